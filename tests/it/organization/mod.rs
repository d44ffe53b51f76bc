//! Organizations, their people and their keys, through the door: who may what, how many fit, and what happens at once.
//!
//! Here an organization and its people; apart: its keys, and its subscription.

mod keys;
mod subscription;

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use futures::future::join_all;
use serde_json::{Value, json};
use service::clock::Clock;
use sha2::{Digest as _, Sha256};
use tests::app::{Actor, Refusal, TestApp};

/// How often each code came up; `ok` for successes.
fn codes(outcomes: &[Result<Value, Refusal>]) -> Vec<(String, usize)> {
    let mut counted = std::collections::BTreeMap::new();
    for outcome in outcomes {
        let code = outcome
            .as_ref()
            .map_or_else(|refusal| refusal.code.clone(), |_| "ok".to_owned());
        *counted.entry(code).or_default() += 1;
    }
    counted.into_iter().collect()
}

async fn members(app: &TestApp) -> i64 {
    app.number("select count(*) from public.user_profiles").await
}

/// Tries something until it holds, for at most ten seconds.
async fn soon(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..200 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{what} did not come about");
}

#[tokio::test]
async fn a_person_founds_one_organization_and_a_repeat_answers_it() {
    let app = TestApp::start().await;
    let ada = app.person("ada@acme.test").await;
    let input = json!({ "name": "Acme", "timeZone": "Europe/Brussels", "idempotencyKey": "first" });
    // The answer was lost, and the client asks again, several times at once.
    let answers = join_all((0..6).map(|_| {
        ada.does(
            "createOrganization",
            input.clone(),
            "organization { id } member { role }",
        )
    }))
    .await;
    let ids: BTreeSet<String> = answers
        .iter()
        .map(|answer| answer.clone().unwrap()["organization"]["id"].to_string())
        .collect();
    assert_eq!(ids.len(), 1, "{answers:?}");
    assert_eq!(answers[0].clone().unwrap()["member"]["role"], "OWNER");
    for (input, why) in [
        (
            json!({ "name": "Acme again", "idempotencyKey": "first" }),
            "another input under the same key",
        ),
        (
            json!({ "name": "Acme two", "idempotencyKey": "second" }),
            "a second organization",
        ),
        (json!({ "name": "Acme two" }), "a second organization, without a key"),
    ] {
        assert_eq!(
            ada.refused("createOrganization", input, "organization { id }").await,
            "CONFLICT",
            "{why}"
        );
    }
    assert_eq!(app.number("select count(*) from public.organizations").await, 1);
    let stranger = app.person("eve@evil.test").await;
    assert_eq!(
        stranger
            .refused(
                "startRecordingSession",
                json!({ "title": "x", "noticeVersion": "default-1" }),
                "session { id }"
            )
            .await,
        "FORBIDDEN"
    );
}

#[tokio::test]
async fn an_invitation_is_shown_once_kept_as_a_hash_and_accepted_once_by_its_address() {
    let now = Clock::system().now();
    let app = TestApp::with_clock(Clock::standing_at(now)).await;
    let owner = app.founder("ada@acme.test").await;
    let invite = json!({ "email": "Bob@Acme.test", "role": "ADMIN", "idempotencyKey": "bob" });
    let made = owner
        .must(
            "inviteMember",
            invite.clone(),
            "token invitation { id email expiresAt acceptedAt }",
        )
        .await;
    let token = made["token"].as_str().unwrap();
    assert_eq!(made["invitation"]["email"], "bob@acme.test");
    let stored: String = sqlx::query_scalar("select row_to_json(i)::text from public.invitations i")
        .fetch_one(app.pool())
        .await
        .unwrap();
    assert!(
        !stored.contains(token) && stored.contains(&hex::encode(Sha256::digest(token))),
        "{stored}"
    );
    // Its token cannot be shown again, so a repeat says what became of it, and makes no second one.
    let repeated = owner.does("inviteMember", invite, "token").await.unwrap_err();
    assert!(
        repeated.code == "CONFLICT" && repeated.message.contains(made["invitation"]["id"].as_str().unwrap()),
        "{repeated:?}"
    );

    let accept = json!({ "token": token });
    let (bob, eve) = (app.person("bob@acme.test").await, app.person("eve@evil.test").await);
    assert_eq!(
        eve.refused("acceptInvitation", accept.clone(), "member { id }").await,
        "NOT_FOUND",
        "another address"
    );
    let at_once = join_all((0..4).map(|_| {
        bob.does(
            "acceptInvitation",
            accept.clone(),
            "member { role } organization { name }",
        )
    }))
    .await;
    assert_eq!(
        codes(&at_once),
        [("CONFLICT".to_owned(), 3), ("ok".to_owned(), 1)],
        "{at_once:?}"
    );
    let carol = app.person("carol@acme.test").await;
    assert_eq!(
        carol.refused("acceptInvitation", accept, "member { id }").await,
        "NOT_FOUND",
        "used"
    );

    // An admin invites operators only; an operator nobody.
    assert_eq!(
        bob.refused(
            "inviteMember",
            json!({ "email": "x@acme.test", "role": "ADMIN" }),
            "token"
        )
        .await,
        "FORBIDDEN"
    );
    let operator = bob.brings_in("olga@acme.test", "OPERATOR").await;
    assert_eq!(
        operator
            .refused(
                "inviteMember",
                json!({ "email": "x@acme.test", "role": "OPERATOR" }),
                "token"
            )
            .await,
        "FORBIDDEN"
    );

    // Revoked, and expired: made eight days ago.
    let invitation = |made: &Value| json!({ "invitationId": made["invitation"]["id"] });
    let revoked = owner
        .must(
            "inviteMember",
            json!({ "email": "carol@acme.test", "role": "OPERATOR" }),
            "token invitation { id }",
        )
        .await;
    for _ in 0..2 {
        owner
            .must("revokeInvitation", invitation(&revoked), "invitation { revokedAt }")
            .await;
    }
    assert_eq!(
        carol
            .refused(
                "acceptInvitation",
                json!({ "token": revoked["token"] }),
                "member { id }"
            )
            .await,
        "NOT_FOUND"
    );
    app.clock().set(now - TimeDelta::days(8));
    let old = owner
        .must(
            "inviteMember",
            json!({ "email": "carol@acme.test", "role": "OPERATOR" }),
            "token",
        )
        .await;
    app.clock().set(now);
    assert_eq!(
        carol
            .refused("acceptInvitation", json!({ "token": old["token"] }), "member { id }")
            .await,
        "NOT_FOUND"
    );
    assert_eq!(members(&app).await, 3);
}

#[tokio::test]
async fn an_organization_takes_as_many_members_as_it_may_have_however_many_accept_at_once() {
    let app = TestApp::start().await;
    let owner = app.founder("ada@acme.test").await;
    let mut guests = Vec::new();
    for number in 0..9 {
        let email = format!("guest{number}@acme.test");
        let invited = owner
            .must("inviteMember", json!({ "email": email, "role": "OPERATOR" }), "token")
            .await;
        guests.push((app.person(&email).await, json!({ "token": invited["token"] })));
    }
    let outcomes = join_all(
        guests
            .iter()
            .map(|(guest, token)| guest.does("acceptInvitation", token.clone(), "member { id }")),
    )
    .await;
    // Five, the owner included.
    assert_eq!(
        codes(&outcomes),
        [("QUOTA_EXCEEDED".to_owned(), 5), ("ok".to_owned(), 4)],
        "{outcomes:?}"
    );
    assert_eq!(members(&app).await, 5);
    // One leaves, one more fits: with the invitation that was refused before.
    let member = &guests[outcomes.iter().position(Result::is_ok).unwrap()].0;
    member
        .must(
            "removeMember",
            json!({ "memberId": member.id, "eraseRecordings": false }),
            "memberId",
        )
        .await;
    let (guest, token) = &guests[outcomes.iter().position(Result::is_err).unwrap()];
    guest.must("acceptInvitation", token.clone(), "member { id }").await;
    assert_eq!(
        owner.sees("{ usage { members maxUsers } }").await["usage"],
        json!({ "members": 5, "maxUsers": 5 })
    );
}

#[tokio::test]
async fn the_last_owner_stays_also_when_two_go_at_once() {
    let app = TestApp::start().await;
    let ada = app.founder("ada@acme.test").await;
    let leave = |actor: &Actor| json!({ "memberId": actor.id, "eraseRecordings": false });
    let refused = ada.does("removeMember", leave(&ada), "memberId").await.unwrap_err();
    assert!(
        refused.code == "CONFLICT" && refused.message.contains("owner"),
        "{refused:?}"
    );
    let mut bob = ada.brings_in("bob@acme.test", "OWNER").await;
    // Nobody changes his own role.
    assert_eq!(
        ada.refused(
            "updateMemberRole",
            json!({ "memberId": ada.id, "role": "ADMIN" }),
            "member { id }"
        )
        .await,
        "FORBIDDEN"
    );
    for round in 0..5 {
        let demote = |actor: &Actor| json!({ "memberId": actor.id, "role": "OPERATOR" });
        let outcomes = if round % 2 == 0 {
            let (one, two) = tokio::join!(
                ada.does("removeMember", leave(&ada), "memberId"),
                bob.does("removeMember", leave(&bob), "memberId")
            );
            vec![one, two]
        } else {
            let (one, two) = tokio::join!(
                ada.does("updateMemberRole", demote(&bob), "member { id }"),
                bob.does("updateMemberRole", demote(&ada), "member { id }")
            );
            vec![one, two]
        };
        assert_eq!(
            outcomes.iter().filter(|outcome| outcome.is_ok()).count(),
            1,
            "{outcomes:?}"
        );
        assert_eq!(
            app.number("select count(*) from public.user_profiles where role = 'owner'")
                .await,
            1
        );
        // Both own it again, for the next round.
        let ada_owns = app
            .number(format!(
                "select count(*) from public.user_profiles where role = 'owner' and id = '{}'",
                ada.id
            ))
            .await
            == 1;
        let (owner, other) = if ada_owns { (&ada, &bob) } else { (&bob, &ada) };
        if app
            .number(format!(
                "select count(*) from public.user_profiles where id = '{}'",
                other.id
            ))
            .await
            == 0
        {
            owner.brings_in(&other.email, "OWNER").await;
        } else {
            owner
                .must(
                    "updateMemberRole",
                    json!({ "memberId": other.id, "role": "OWNER" }),
                    "member { role }",
                )
                .await;
        }
        bob = app.person("bob@acme.test").await;
        for person in [&ada, &bob] {
            soon("the role", async || {
                person.sees("{ viewer { role } }").await["viewer"]["role"] == "OWNER"
            })
            .await;
        }
    }
}
