import { expect } from "chai";
import { Health } from "../../gen/grpc/health/v1/health_pb.js";
import { KeyService } from "../../gen/killcord/v1/key_pb.js";
import { checkMatrix } from "../../src/services/roles.js";
import { services } from "../../src/services/workspace.js";

describe("the rows of the access matrix", () => {
  it("fit the services that are served", () => {
    expect(() => checkMatrix(services)).not.to.throw();
  });

  it("a method without a row keeps the server from starting", () => {
    expect(() => checkMatrix([...services, Health])).to.throw("Health.Check");
  });

  it("a row without a method keeps the server from starting", () => {
    const others = services.filter((service) => service !== KeyService);
    expect(() => checkMatrix(others)).to.throw("KeyService.CreateKey");
  });
});
