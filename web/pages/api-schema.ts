import type { ApiDocument, ApiOperation, Schema } from '../api/openapi.ts';

/** One field of a body or an answer, in words. */
export interface Field {
  name: string;
  type: string;
  required: boolean;
  description: string;
  schema: Schema;
}

/** Fields of an object; several lists where it may be one thing or another. */
export interface Variant {
  /** What tells it from the others; empty where it is the only one. */
  label: string;
  fields: Field[];
}

type Shapes = ApiDocument['components']['schemas'];

const FORMATS: Record<string, string> = {
  uuid: 'UUID',
  'date-time': 'time',
  email: 'e-mail address',
  uri: 'URL',
  base64: 'base64',
};

const nameOf = ($ref: string) => $ref.split('/').at(-1) ?? '';

function resolved(schema: Schema, shapes: Shapes): Schema {
  return schema.$ref === undefined ? schema : (shapes[nameOf(schema.$ref)] ?? {});
}

/** What may stand there, in a few words. */
export function typeText(schema: Schema): string {
  if (schema.$ref !== undefined) return nameOf(schema.$ref);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices) return [...new Set(choices.map(typeText))].join(' or ');
  if (schema.type === 'array') return `list of ${typeText(schema.items ?? {})}`;
  if (schema.format !== undefined && FORMATS[schema.format]) return FORMATS[schema.format] as string;
  return [schema.type ?? 'anything'].flat().join(' or ');
}

/** What is in it, of an object, a list of them or a choice between some; empty where there is nothing to tell. */
export function variantsOf(schema: Schema, shapes: Shapes): Variant[] {
  const own = resolved(schema, shapes);
  const choices = own.oneOf ?? own.anyOf;
  if (choices) {
    const all = choices.flatMap((choice) => variantsOf(choice, shapes));
    return all.length === 1 ? all : all.map((one) => ({ ...one, label: one.label || labelOf(one) }));
  }
  if (own.items) return variantsOf(own.items, shapes);
  if (!own.properties) return [];
  const fields = Object.entries(own.properties).map(([name, property]) => ({
    name,
    type: typeText(property),
    required: own.required?.includes(name) ?? false,
    description: described(property),
    schema: property,
  }));
  return [{ label: '', fields }];
}

/** By the field that has one value only: `kind "s3"`. */
function labelOf({ fields }: Variant): string {
  const telling = fields.find(({ schema }) => schema.const !== undefined);
  return telling ? `${telling.name} ${telling.type}` : '';
}

/** What a field means, its bounds, and what holds where it is left out. */
export function described({ description = '', maximum, minimum, ...schema }: Schema): string {
  const bounds = minimum !== undefined && maximum !== undefined ? `${minimum} to ${maximum}.` : '';
  const absent = schema.default === undefined ? '' : `${JSON.stringify(schema.default)} where absent.`;
  return [description, bounds, absent].filter(Boolean).join(' ');
}

/** A value of the shape, with what is required and no more. */
export function sampleOf(schema: Schema, shapes: Shapes): unknown {
  const own = resolved(schema, shapes);
  const choice = own.oneOf?.[0] ?? own.anyOf?.[0];
  if (own.const !== undefined) return own.const;
  if (own.enum) return own.enum[0];
  if (own.default !== undefined) return own.default;
  if (choice) return sampleOf(choice, shapes);
  if (own.properties) {
    const required = own.required ?? [];
    return Object.fromEntries(required.map((name) => [name, sampleOf(own.properties?.[name] ?? {}, shapes)]));
  }
  if (own.type === 'array') return [sampleOf(own.items ?? {}, shapes)];
  if (own.type === 'boolean') return true;
  if (own.type === 'integer' || own.type === 'number') return own.minimum ?? 1;
  return own.format === 'uuid' ? 'UUID' : '…';
}

/** A command that asks this route, for a shell in which `KEY` is an API key. */
export function curlOf(
  route: { method: string; path: string; operation: ApiOperation },
  { components, servers }: Pick<ApiDocument, 'components' | 'servers'>,
): string {
  const { method, operation, path } = route;
  const body = operation.requestBody?.content['application/json']?.schema;
  const files = Object.keys(operation.responses['200']?.content ?? {}).filter((type) => !/json$/.test(type));
  const options = [
    'curl -sS --fail-with-body',
    ...(files.includes('text/event-stream') ? ['-N'] : files.length > 0 ? ['-OJ'] : []),
    ...(method === (body ? 'POST' : 'GET') ? [] : [`-X ${method}`]),
    `'${servers[0]?.url ?? ''}${path.replaceAll(/\{\w+\}/g, 'ID')}'`,
  ];
  const json = body && `--json '${JSON.stringify(sampleOf(body, components.schemas))}'`;
  const key = operation.security.length > 0 && `-H @- <<<"authorization: Bearer $KEY"`;
  return [options.join(' '), json, key].filter(Boolean).join(' \\\n  ');
}
