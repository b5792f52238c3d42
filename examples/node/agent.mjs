import grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

const definitions = loadSync(["killcord/v1/session.proto", "killcord/v1/enforcement.proto"], {
  includeDirs: ["proto", "third_party"],
  keepCase: true,
  enums: String,
});
const { SessionService, EnforcementService } = grpc.loadPackageDefinition(definitions).killcord.v1;
const { host } = new URL(process.env.KILLCORD_URL ?? "http://127.0.0.1:7411");
const key = new grpc.Metadata();
key.set("x-api-key", process.env.KILLCORD_API_KEY);

function call(Service, method, request) {
  const client = new Service(host, grpc.credentials.createInsecure());
  return new Promise((yes, no) => {
    client[method](request, key, (error, reply) => (error ? no(error) : yes(reply)));
  });
}

const request = { agent_id: "loan-bot", budgets: { max_actions: 2 } };
const { session } = await call(SessionService, "StartSession", request);
for (let i = 0; i < 3; i++) {
  const action = { session_id: session.session_id, action_type: "transfer_funds" };
  console.log((await call(EnforcementService, "Intercept", action)).decision);
}
