/** The parts of an OpenAPI 3.1 document that the page shows. */
export interface Document {
  info: { title: string; version: string; description?: string };
  paths: Record<string, Record<string, OperationObject>>;
  components?: { schemas?: Record<string, Schema> };
}

interface OperationObject {
  tags?: string[];
  summary?: string;
  description?: string;
  operationId?: string;
  parameters?: Parameter[];
  requestBody?: { required?: boolean; content?: Record<string, Media> };
  responses?: Record<string, { description?: string; content?: Record<string, Media> }>;
  security?: Record<string, string[]>[];
}

interface Media {
  schema?: Schema;
  example?: unknown;
  examples?: Record<string, { value?: unknown }>;
}

export interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  description?: string;
  schema?: Schema;
}

export interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  description?: string;
  enum?: unknown[];
  examples?: unknown[];
  default?: unknown;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
}

/** One call, ready to be shown. */
export interface Operation {
  /** Stands in the address after #. */
  anchor: string;
  method: string;
  path: string;
  summary: string;
  description: string;
  keyed: boolean;
  parameters: Parameter[];
  body: Body | undefined;
  responses: Response[];
}

export interface Body {
  type: string;
  required: boolean;
  schema: Schema | undefined;
  example: unknown;
}

export interface Response {
  status: string;
  description: string;
  type: string | undefined;
  schema: Schema | undefined;
  example: unknown;
}

export interface Group {
  name: string;
  operations: Operation[];
}

/** What one meets first stands first; groups that are not named here follow. */
const order = ["Streams", "Broadcast", "Events", "Playback"];

const methods = ["get", "post", "put", "patch", "delete"];

/** The operations of a document by their first tag. */
export function groups(doc: Document): Group[] {
  const byTag = new Map<string, Operation[]>();
  for (const [path, item] of Object.entries(doc.paths)) {
    for (const method of methods) {
      const found = item[method];
      if (!found) continue;
      const tag = found.tags?.[0] ?? "Other";
      byTag.set(tag, [...(byTag.get(tag) ?? []), operation(doc, method, path, found)]);
    }
  }
  const rank = (name: string) => (order.indexOf(name) + order.length + 1) % (order.length + 1);
  return [...byTag].map(([name, operations]) => ({ name, operations })).sort((a, b) => rank(a.name) - rank(b.name));
}

function operation(doc: Document, method: string, path: string, found: OperationObject): Operation {
  const [bodyType, body] = firstMedia(found.requestBody?.content);
  return {
    anchor: found.operationId ?? `${method}-${path.replace(/\W+/g, "-")}`,
    method: method.toUpperCase(),
    path,
    summary: found.summary ?? path,
    description: found.description ?? "",
    keyed: (found.security?.length ?? 0) > 0,
    parameters: found.parameters ?? [],
    body: bodyType
      ? {
          type: bodyType,
          required: found.requestBody?.required ?? false,
          schema: body?.schema,
          example: mediaExample(doc, body),
        }
      : undefined,
    responses: Object.entries(found.responses ?? {}).map(([status, response]) => {
      const [type, media] = firstMedia(response.content);
      return {
        status,
        description: response.description ?? "",
        type,
        schema: media?.schema,
        example: mediaExample(doc, media),
      };
    }),
  };
}

function firstMedia(content: Record<string, Media> | undefined): [string, Media] | [undefined, undefined] {
  return Object.entries(content ?? {})[0] ?? [undefined, undefined];
}

function mediaExample(doc: Document, media: Media | undefined): unknown {
  const named = Object.values(media?.examples ?? {})[0]?.value;
  return media?.example ?? named ?? (media?.schema && example(doc, media.schema));
}

/** The schema that a reference points to, with what stands beside the reference. */
export function resolve(doc: Document, schema: Schema): Schema {
  if (!schema.$ref) return schema;
  const name = schema.$ref.replace("#/components/schemas/", "");
  const target = doc.components?.schemas?.[name] ?? {};
  return { ...target, ...(schema.description ? { description: schema.description } : {}) };
}

/** Deeper than any document of ours nests; stops schemas that contain themselves. */
const deepest = 6;

/** An example of a schema, put together from the examples of its parts. */
export function example(doc: Document, schema: Schema, depth = 0): unknown {
  const found = resolve(doc, schema);
  if (found.examples?.length) return found.examples[0];
  if (found.default !== undefined) return found.default;
  if (found.enum?.length) return found.enum[0];
  if (depth > deepest) return null;
  if (found.properties) {
    return Object.fromEntries(
      Object.entries(found.properties)
        .filter(([name]) => name !== "meta" || depth > 0)
        .map(([name, part]) => [name, example(doc, part, depth + 1)]),
    );
  }
  if (found.items) return [example(doc, found.items, depth + 1)];
  const types = [found.type ?? []].flat();
  if (types.includes("null")) return null;
  return { string: "", integer: 0, number: 0, boolean: true, object: {} }[types[0] ?? ""] ?? null;
}

/** One line of a table of fields. */
export interface Field {
  name: string;
  type: string;
  required: boolean;
  description: string;
  depth: number;
}

/** The fields of an object, with those of objects within it beneath. */
export function fields(doc: Document, schema: Schema, depth = 0): Field[] {
  const found = resolve(doc, schema);
  if (depth > deepest) return [];
  return Object.entries(found.properties ?? {}).flatMap(([name, part]) => {
    const inner = resolve(doc, part);
    const within = inner.items ? resolve(doc, inner.items) : inner;
    const field = {
      name,
      type: typeName(doc, part),
      required: found.required?.includes(name) ?? false,
      description: part.description ?? inner.description ?? "",
      depth,
    };
    return [field, ...fields(doc, within, depth + 1)];
  });
}

/** A type in words: "string", "integer or null", "list of objects". */
export function typeName(doc: Document, schema: Schema): string {
  const found = resolve(doc, schema);
  if (found.items) return `list of ${typeName(doc, found.items)}s`;
  const types = [found.type ?? "any"].flat();
  const named = types.filter((t) => t !== "null").map((t) => (found.format === "date-time" ? "time" : t));
  return named.join(" or ") + (types.includes("null") ? ", may be null" : "");
}

/** A call as a command line. */
export function curl(op: Operation, origin: string): string {
  const path = op.path.replace("{id}", "2").replace("{rendition}", "720").replace("{number}", "42");
  const lines = [`curl ${op.method === "GET" ? "" : `-X ${op.method} `}${origin}${path}`];
  if (op.keyed) lines.push(`-H "Authorization: Bearer $SLUICE_KEY"`);
  if (op.body) {
    lines.push(`-H "Content-Type: ${op.body.type}"`);
    const text = typeof op.body.example === "string" ? op.body.example : JSON.stringify(op.body.example, leaveOutNull);
    lines.push(`-d '${text.replaceAll("'", `'\\''`)}'`);
  }
  return lines.join(" \\\n  ");
}

/** What may be null may be left out of a request. */
function leaveOutNull(_key: string, value: unknown): unknown {
  return value === null ? undefined : value;
}

/** An example as it would be printed. */
export function print(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}
