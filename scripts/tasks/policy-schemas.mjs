/** Makes docs/policy.schema.json and docs/policy-test.schema.json from what the program checks by, compiled. */

/** Path and text of each file, from the root. */
export async function policySchemas() {
  // Loaded here, so that this file can be imported before anything is compiled.
  const { policy_schema } = await import("../../dist/src/policies/schema.js");
  const { test_schema } = await import("../../dist/src/policies/test-schema.js");
  return [
    ["docs/policy.schema.json", `${JSON.stringify(policy_schema, null, 2)}\n`],
    ["docs/policy-test.schema.json", `${JSON.stringify(test_schema, null, 2)}\n`],
  ];
}
