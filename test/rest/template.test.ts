import { expect } from "chai";
import { parseTemplate, TemplateError } from "../../src/rest/template.js";
import { vector } from "../vectors.js";

interface TemplateCase {
  template: string;
  ok?: { segments: string[]; verb: string; vars: unknown[] };
  error?: string;
  column?: number;
}

const { templates } = vector<{ templates: TemplateCase[] }>("rest/templates.json");

describe("path templates", () => {
  for (const { template, ok, error, column } of templates) {
    if (ok !== undefined) {
      it(`${template} parses`, () => {
        const { segments, verb, variables } = parseTemplate(template);
        expect({ segments, verb, vars: variables }).to.deep.equal(ok);
      });
    } else {
      it(`${JSON.stringify(template)} is refused: ${error} at column ${column}`, () => {
        const thrown = catchError(() => parseTemplate(template));
        expect(thrown).to.be.instanceOf(TemplateError);
        expect(thrown).to.include({ fault: error, column });
      });
    }
  }
});

function catchError(call: () => unknown): unknown {
  try {
    call();
  } catch (thrown) {
    return thrown;
  }
  throw new Error("nothing was thrown");
}
