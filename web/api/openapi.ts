import { failureOf, unreachable } from './client.ts';

/** What is read here of a JSON Schema. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  description?: string;
  const?: unknown;
  enum?: unknown[];
  default?: unknown;
  minimum?: number;
  maximum?: number;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  oneOf?: Schema[];
  anyOf?: Schema[];
  additionalProperties?: Schema | boolean;
}

export interface Parameter {
  name: string;
  in: 'path' | 'query';
  required: boolean;
  description?: string;
  schema: Schema;
}

type Content = Record<string, { schema: Schema }>;

/** One route, as the document of the API has it. */
export interface ApiOperation {
  tags: string[];
  operationId: string;
  summary: string;
  description?: string;
  security: { apiKey?: string[] }[];
  parameters: Parameter[];
  requestBody?: { content: Content };
  responses: Record<string, { description: string; content: Content }>;
  'x-homeport-roles'?: string[];
  'x-homeport-fresh-sign-in'?: boolean;
  'x-homeport-within-reach'?: string;
}

/** What is read here of `/api/v1/openapi.json`. */
export interface ApiDocument {
  info: { version: string };
  servers: { url: string }[];
  tags: { name: string }[];
  paths: Record<string, Record<string, ApiOperation>>;
  components: { schemas: Record<string, Schema> };
}

export const DOCUMENT_PATH = '/api/v1/openapi.json';

/** The document of the API. @throws ApiError */
export async function fetchApiDocument(): Promise<ApiDocument> {
  const response = await fetch(DOCUMENT_PATH, { headers: { accept: 'application/json' } }).catch(unreachable);
  if (!response.ok) throw await failureOf(response);
  return response.json() as Promise<ApiDocument>;
}
