import { z } from 'zod';
import { NAMES } from './shapes-common.ts';

/** A schema as JSON Schema of 2020-12 has it, which is OpenAPI 3.1’s. */
export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** Collects the shapes that have a name, while others are made that refer to them. */
export class SchemaBook {
  readonly components: Record<string, JsonSchema> = {};

  /** The schema of what comes in, as whoever sends it writes it. */
  request(schema: z.ZodType): JsonSchema {
    return this.#convert(schema, 'input');
  }

  /** The schema of what goes out. */
  answer(schema: z.ZodType): JsonSchema {
    return this.#convert(schema, 'output');
  }

  #convert(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
    const options = { io, metadata: NAMES, unrepresentable: 'any', reused: 'inline' } as const;
    const {
      $schema: _dialect,
      $defs = {},
      ...made
    } = z.toJSONSchema(schema, { ...options, override: plain });
    for (const [id, definition] of Object.entries($defs)) this.#keep(id, definition);
    return pointed(made);
  }

  #keep(id: string, definition: JsonSchema): void {
    const { id: _id, ...kept } = pointed(definition);
    const before = this.components[id];
    if (before && JSON.stringify(before) !== JSON.stringify(kept))
      throw new Error(`${id} is one shape in a request and another one in an answer: it needs two names`);
    this.components[id] = kept;
  }
}

/**
 * Leaves out what says nothing to a reader: patterns of formats that have a name, the bounds of exact integers. Nor are
 * objects closed: later versions add fields.
 */
function plain({ jsonSchema }: { jsonSchema: JsonSchema }): void {
  if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
}

/** The same with references into the document. */
function pointed(schema: JsonSchema): JsonSchema {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/')) as JsonSchema;
}
