import { describe, expect, it } from "vitest";
import { curl, example, fields, groups, print, typeName, type Document, type Operation } from "./openapi";

const doc: Document = {
  info: { title: "Sluice", version: "1" },
  paths: {
    "/streams/{id}/manifest.mpd": { get: { tags: ["Playback"], summary: "DASH MPD", responses: { "200": {} } } },
    "/v1/streams": {
      get: { tags: ["Streams"], summary: "List", operationId: "list" },
      post: {
        tags: ["Streams"],
        summary: "Create",
        operationId: "create",
        security: [{ applicationKey: [] }],
        requestBody: {
          required: true,
          content: { "application/json": { schema: { $ref: "#/components/schemas/Create" } } },
        },
        responses: {
          "200": {
            description: "OK",
            content: { "application/json": { schema: { $ref: "#/components/schemas/Answer" } } },
          },
        },
      },
    },
    "/v1/other": { get: {} },
  },
  components: {
    schemas: {
      Create: {
        type: "object",
        required: ["name"],
        properties: { name: { type: "string", examples: ["it's on"] }, tags: { items: { type: "string" } } },
      },
      Answer: {
        type: "object",
        properties: {
          code: { type: "integer", examples: [200] },
          data: { $ref: "#/components/schemas/Stream" },
          meta: {},
        },
      },
      Stream: {
        type: "object",
        properties: {
          id: { type: "integer" },
          end_time: { type: ["string", "null"], format: "date-time", description: "When it ended" },
          self: { $ref: "#/components/schemas/Stream" },
        },
      },
    },
  },
};

function create(): Operation {
  const found = groups(doc)[0]?.operations.find((op) => op.anchor === "create");
  if (!found) throw new Error("the document has no call to create");
  return found;
}

describe("groups", () => {
  it("come in the order one meets them", () => {
    expect(groups(doc).map((g) => g.name)).toEqual(["Streams", "Playback", "Other"]);
  });

  it("tell what needs a key", () => {
    expect(groups(doc)[0]?.operations.map((op) => [op.anchor, op.keyed])).toEqual([
      ["list", false],
      ["create", true],
    ]);
  });

  it("make an anchor where there is no name", () => {
    expect(groups(doc)[1]?.operations[0]?.anchor).toBe("get--streams-id-manifest-mpd");
  });
});

it("puts examples together, without the paging of lists, and ends in schemas that hold themselves", () => {
  const made = example(doc, { $ref: "#/components/schemas/Answer" }) as {
    code: number;
    data: { id: number; end_time: null };
  };
  expect(made.code).toBe(200);
  expect(made).not.toHaveProperty("meta");
  expect(made.data).toMatchObject({ id: 0, end_time: null });
});

it("lists fields with those within them", () => {
  const listed = fields(doc, { $ref: "#/components/schemas/Answer" });
  expect(listed.slice(0, 4).map((f) => [f.depth, f.name, f.type])).toEqual([
    [0, "code", "integer"],
    [0, "data", "object"],
    [1, "id", "integer"],
    [1, "end_time", "time, may be null"],
  ]);
});

it.each([
  [{ type: "string" }, "string"],
  [{ items: { type: "string" } }, "list of strings"],
  [{ type: ["integer", "null"] }, "integer, may be null"],
  [{}, "any"],
])("calls %j %s", (schema, want) => expect(typeName(doc, schema)).toBe(want));

it("writes a call as a command line that a shell reads", () => {
  expect(curl(create(), "http://localhost:8080")).toBe(
    `curl -X POST http://localhost:8080/v1/streams \\\n  -H "Authorization: Bearer $SLUICE_KEY" \\\n  -H "Content-Type: application/json" \\\n  -d '{"name":"it'\\''s on","tags":[""]}'`,
  );
});

it("prints text as it is and values as JSON", () => {
  expect(print("#EXTM3U")).toBe("#EXTM3U");
  expect(print({ a: 1 })).toBe('{\n  "a": 1\n}');
});
