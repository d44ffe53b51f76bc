//! What clients build on: the generated TypeScript, and the promise that a release is not broken by the next.

use tests::node;

const CLIENT: &str = "clients/typescript";

#[test]
fn the_typescript_client_is_what_the_schema_generates() {
    node::passes(CLIENT, ["generate.mjs", "--check"]);
}

#[test]
fn the_typescript_client_compiles_strictly() {
    node::passes(
        CLIENT,
        ["node_modules/typescript/bin/tsc", "--noEmit", "--project", "."],
    );
}

#[test]
fn the_comparison_of_schemas_tells_promises_from_breakage() {
    node::passes("tests/node", ["--test", "breaking.test.mjs"]);
}

#[test]
fn clients_of_the_last_release_go_on_working() {
    // Written with each release: cp schema.graphql docs/schema-released.graphql. Before the first there is nobody to break.
    if !node::folder("docs/schema-released.graphql").exists() {
        return;
    }
    node::passes(
        "tests/node",
        [
            "breaking.mjs",
            "../../docs/schema-released.graphql",
            "../../schema.graphql",
        ],
    );
}
