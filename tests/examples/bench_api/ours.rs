//! A measurement of ours: the server under `wrk`. Apart because its load is written in Lua.

use std::fmt::Write as _;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::json;

use super::cases::Case;
use super::cpu::Cpu;
use super::{Bench, Measured, ORGANIZATIONS, SESSIONS, output};

impl Bench {
    pub(super) fn ours(&self, case: &Case, connections: u32) -> Result<Measured> {
        let mut lua = String::from("wrk.method = 'POST'\nwrk.headers['Content-Type'] = 'application/json'\n");
        let body = |session: &str| json!({ "query": case.query, "variables": { "id": session } }).to_string();
        writeln!(
            lua,
            "local before, after = [=[{}]=], [=[{}]=]",
            body("\u{1}").split("\\u0001").next().unwrap_or_default(),
            body("\u{1}").split("\\u0001").nth(1).unwrap_or_default()
        )?;
        if case.writes {
            writeln!(lua, "local tokens = {{")?;
            for someone in &self.people {
                writeln!(lua, "'Bearer {}',", someone.token)?;
            }
            lua.push_str("}\nlocal n, bad = 0, 0\n");
            // Each organization in turn; stops when every session has had its request.
            write!(
                lua,
                "function request() local o = n % {ORGANIZATIONS}; local s = math.floor(n / {ORGANIZATIONS}) % {SESSIONS}; n = n + 1; \
                 wrk.headers['Authorization'] = tokens[o + 1]; return wrk.format(nil, nil, nil, before .. string.format('%08x-0003-7000-8000-%012x', o + 1, s + 1) .. after) end\n\
                 function response(status, headers, body) if status ~= 200 or string.find(body, '\"errors\"', 1, true) then io.stderr:write(body .. '\\n'); wrk.thread:stop() end \
                 if n >= {} then wrk.thread:stop() end end\n",
                ORGANIZATIONS * SESSIONS - connections
            )?;
        } else {
            write!(
                lua,
                "wrk.headers['Authorization'] = 'Bearer {}'\nlocal n = 0\nlocal ready = {{}}\n\
                 function init(args) for s = 1, {SESSIONS} do ready[s] = wrk.format(nil, nil, nil, before .. string.format('00000001-0003-7000-8000-%012x', s) .. after) end end\n\
                 function request() n = n % {SESSIONS} + 1; return ready[n] end\n",
                self.people[0].token
            )?;
        }
        let script = self.folder.path().join("wrk.lua");
        std::fs::write(&script, lua)?;
        let before = (Cpu::of(self.server.id()), Cpu::of_family(self.postmaster));
        let text = output(
            Command::new("wrk")
                .args([
                    "-t1",
                    &format!("-c{connections}"),
                    &format!("-d{}s", self.seconds),
                    "--latency",
                    "-s",
                ])
                .arg(&script)
                .arg(self.server.url()),
        )?;
        let after = (Cpu::of(self.server.id()), Cpu::of_family(self.postmaster));
        ensure!(!text.contains("Non-2xx"), "{text}");
        let number = |line: &str, at: usize| -> Result<String> {
            let line = text
                .lines()
                .find(|text| text.contains(line))
                .with_context(|| text.clone())?;
            Ok(line.split_whitespace().nth(at).unwrap_or_default().to_owned())
        };
        let requests: f64 = number("requests in", 0)?.parse()?;
        let postgres = after.1.0 - before.1.0;
        Ok(Measured {
            cpu: (after.0.0 - before.0.0 + postgres) * 1000.0 / requests,
            postgres: postgres * 1000.0 / requests,
            throughput: number("Requests/sec:", 1)?.parse()?,
            p50_ms: milliseconds(&number(" 50%", 1)?)?,
            p99_ms: milliseconds(&number(" 99%", 1)?)?,
        })
    }
}

fn milliseconds(text: &str) -> Result<f64> {
    for (unit, factor) in [("us", 0.001), ("ms", 1.0), ("s", 1000.0)] {
        if let Some(number) = text.strip_suffix(unit) {
            return Ok(number.parse::<f64>()? * factor);
        }
    }
    bail!("{text} is no time")
}
