/** What this library calls itself to the server, for its logs. The version is that of package.json. */
export const client_name = "typescript/0.1.0";
