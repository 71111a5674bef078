import type { RouterRoute } from 'hono/types';
import { HOMEPORT_VERSION } from '../../protocol/version.ts';
import { ACCESS, type Access } from '../auth/access.ts';
import { ROLES, type Role, rightsOf } from '../auth/rights.ts';
import { TOTAL_HEADER } from '../http/paging.ts';
import { type Validation, validationOf } from '../http/validate.ts';
import { type JsonSchema, SchemaBook } from './json-schema.ts';
import { GROUPS, type Operation, type Success } from './operation.ts';
import { OPERATIONS } from './operations.ts';
import { refusal } from './shapes-common.ts';

const MOUNT = '/api/v1';

/**
 * The API as OpenAPI 3.1. Routes, what they parse, what they ask for and how they fail are read off the code; a summary
 * and the shape of each answer are of `operations.ts`, which tests hold to what is really answered.
 * @param url address people use, without a trailing slash
 */
export function openapiDocument(url: string, routes: readonly RouterRoute[]) {
  const book = new SchemaBook();
  book.answer(refusal);
  return {
    openapi: '3.1.1',
    info: {
      title: 'Homeport',
      version: HOMEPORT_VERSION,
      description:
        'Everything the UI does. Times are ISO 8601 in UTC, sizes are bytes. Every refusal is an object “error” with a code, a message and a hint. Signing in and out is under /api/auth, which answers in the shape of better-auth and is not described here; programs use API keys.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: `${url}${MOUNT}` }],
    tags: GROUPS.map((name) => ({ name })),
    paths: pathsOf(routes, book),
    components: { securitySchemes: SCHEMES, schemas: sorted(book.components) },
  };
}

const SCHEMES = {
  apiKey: {
    type: 'http',
    scheme: 'bearer',
    description:
      'An API key, hp_…, made under Settings → API keys. It may do what its scopes and its user may.',
  },
  session: {
    type: 'apiKey',
    in: 'cookie',
    name: 'homeport.session_token',
    description:
      'The cookie of the UI; behind HTTPS its name begins with __Secure-. What changes something must carry the UI’s exact Origin.',
  },
} as const;

function pathsOf(routes: readonly RouterRoute[], book: SchemaBook) {
  const paths: Record<string, Record<string, object>> = {};
  for (const { method, path } of distinct(routes)) {
    const route = `${method} ${path}`;
    const told = OPERATIONS[route];
    if (!told) throw new Error(`${route} is not in the table of operations`);
    const validations = routes
      .filter((one) => one.method === method && one.path === MOUNT + path)
      .flatMap(({ handler }) => validationOf(handler) ?? []);
    const written = path.replaceAll(/:(\w+)/g, '{$1}');
    paths[written] = {
      ...paths[written],
      [method.toLowerCase()]: operation(route, told, { validations, book }),
    };
  }
  return paths;
}

/** Each method and path under the API’s root once: a route has an entry for each of its handlers. */
function distinct(routes: readonly RouterRoute[]): { method: string; path: string }[] {
  const all = routes
    .filter(({ method, path }) => method !== 'ALL' && path.startsWith(`${MOUNT}/`))
    .map(({ method, path }) => [`${method} ${path}`, { method, path: path.slice(MOUNT.length) }] as const);
  return [...new Map(all).values()];
}

interface Parts {
  validations: readonly Validation[];
  book: SchemaBook;
}

function operation(route: string, told: Operation, { book, validations }: Parts) {
  const access = ACCESS[route];
  const parsed = (target: Validation['target']) => {
    const found = validations.find((one) => one.target === target);
    return found && withTexts(book.request(found.schema), told.about ?? {});
  };
  const body = parsed('json');
  const description = [told.description, access?.fresh && FRESH].filter(Boolean).join(' ');
  return {
    tags: [told.group],
    operationId: nameOf(route),
    summary: told.summary,
    ...(description ? { description } : {}),
    ...askedOf(access),
    parameters: [...pathParameters(route), ...queryParameters(parsed('query'))],
    ...(body ? { requestBody: { required: true, content: { 'application/json': { schema: body } } } } : {}),
    responses: { [told.success.status]: success(told.success, book), ...REFUSALS },
  };
}

const FRESH = 'Asks a session for a fresh sign-in, of the last ten minutes; keys are not asked.';

/** The rights are the roles of OpenAPI’s security requirements; roles that have them all by themselves stand beside. */
function askedOf(access: Access | undefined) {
  if (!access) return { security: [] };
  const { fresh = false, needs, of } = access;
  return {
    security: [{ apiKey: [...needs] }, { session: [...needs] }],
    'x-homeport-roles': ROLES.filter((role) => needs.every((right) => ofRole(role).has(right))),
    'x-homeport-fresh-sign-in': fresh,
    ...(of === undefined ? {} : { 'x-homeport-within-reach': of }),
  };
}

const ofRole = (role: Role) => rightsOf({ role, extraRights: [], labels: null });

function success({ files, paged, says, shape }: Success, book: SchemaBook) {
  const json = shape && { 'application/json': { schema: book.answer(shape) } };
  const media = files?.map((type) => [type, { schema: { type: 'string' } }]) ?? [];
  const content = json ?? Object.fromEntries(media);
  return { description: says, ...(paged ? { headers: TOTAL } : {}), content };
}

const TOTAL = {
  [TOTAL_HEADER]: { description: 'Rows of the whole list.', required: true, schema: { type: 'integer' } },
};
const REFUSED = { content: { 'application/json': { schema: { $ref: '#/components/schemas/Refusal' } } } };
const REFUSALS = {
  '4XX': {
    description: 'Refused: malformed, not allowed, not there, or against the present state.',
    ...REFUSED,
  },
  '5XX': { description: 'Something is away, or failed.', ...REFUSED },
};

function pathParameters(route: string) {
  return [...route.matchAll(/:(\w+)/g)].map(([, name]) => ({
    ...{ name, in: 'path', required: true, schema: { type: 'string' } },
  }));
}

function queryParameters(schema: JsonSchema | undefined) {
  return Object.entries(schema?.properties ?? {}).map(([name, property]) => {
    const { description, ...rest } = property as JsonSchema;
    const required = schema?.required?.includes(name) ?? false;
    return { name, in: 'query', required, ...(description ? { description } : {}), schema: rest };
  });
}

/** The same with what its fields mean. */
function withTexts(schema: JsonSchema, about: Readonly<Record<string, string>>): JsonSchema {
  const described = Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const description = about[name];
    return [name, description === undefined ? property : { ...(property as JsonSchema), description }];
  });
  return described.length > 0 ? { ...schema, properties: Object.fromEntries(described) } : schema;
}

/** `GET /agents/:id` becomes `getAgentsId`. */
function nameOf(route: string): string {
  const [first = '', ...rest] = route
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter(Boolean);
  return first + rest.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}

function sorted<T>(record: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => a.localeCompare(b)));
}
