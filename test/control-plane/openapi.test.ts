import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ACCESS } from '../../control-plane/auth/access.ts';
import { OPERATIONS } from '../../control-plane/openapi/operations.ts';
import { read, tracked } from '../house/sources.ts';
import { OPEN_TO_ALL } from '../security/access-table.ts';
import { createApi } from '../support/api.ts';
import { type ApiDocument, type DocumentedOperation, operationsOf } from '../support/document-checker.ts';
import { addPerson } from '../support/people.ts';
import { registeredRoutes } from '../support/routes.ts';
import { startWorld, type World } from './world.ts';

let world: World;
let document: ApiDocument;
let operations: [route: string, operation: DocumentedOperation][];
beforeAll(async () => {
  world = await startWorld();
  document = await world.api.get('/openapi.json');
  operations = Object.entries(operationsOf(document));
});
afterAll(() => world?.[Symbol.asyncDispose]());

describe('the document of the API', () => {
  test('is valid OpenAPI 3.1, with references that lead somewhere', async () => {
    const validator = new Validator();
    const { errors, valid } = await validator.validate({ ...structuredClone(document) });
    expect({ errors, valid }).toEqual({ errors: undefined, valid: true });
    expect(validator.version).toBe('3.1');
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)];
    const known = Object.keys(document.components.schemas);
    expect(refs.length).toBeGreaterThan(60);
    expect(refs.map(([, name]) => name).filter((name) => !known.includes(name ?? ''))).toEqual([]);
    const ids = operations.map(([, { operationId }]) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('has every route of the API, and no other', () => {
    expect(operations.map(([route]) => route).toSorted()).toEqual(registeredRoutes());
    expect(Object.keys(OPERATIONS).toSorted()).toEqual(registeredRoutes());
  });

  test('says of each route what the table of access says', () => {
    for (const [route, { security }] of operations) {
      const needs = ACCESS[route]?.needs;
      expect([route, security]).toEqual([route, needs ? [{ apiKey: needs }, { session: needs }] : []]);
    }
    const open = operations.filter(([, { security }]) => security.length === 0).map(([route]) => route);
    expect(open.toSorted()).toEqual(OPEN_TO_ALL.toSorted());
  });

  test('agrees with docs/api.md about groups and what is answered', () => {
    let group = '';
    const listed: string[] = [];
    for (const line of read('docs/api.md').split('\n')) {
      group = /^### (.*)$/.exec(line)?.[1] ?? group;
      const [, route = '', reply = ''] = /^\| `([A-Z]+ \/[^`?]*)(?:\?[^`]*)?` \|(.*)$/.exec(line) ?? [];
      if (!route) continue;
      const { success, group: own } = OPERATIONS[route] ?? { success: { status: 0 } };
      listed.push(route);
      expect([route, own, /→ (20[12])\b/.exec(reply)?.[1] ?? '200']).toEqual([
        route,
        group,
        String(success.status),
      ]);
    }
    expect(listed.toSorted()).toEqual(registeredRoutes());
  });

  test('is for everybody who is signed in, and nobody else; caches ask whether it has changed', async () => {
    const viewer = await addPerson(world, { role: 'viewer', labels: ['none'] });
    const answer = await viewer.api.fetch('/openapi.json');
    expect(answer.status).toBe(200);
    const headers = {
      authorization: `Bearer ${viewer.api.key}`,
      'if-none-match': answer.headers.get('etag') ?? '',
    };
    const again = await fetch(`${world.api.url}/api/v1/openapi.json`, { headers });
    expect([again.status, await again.text()]).toEqual([304, '']);
    const stranger = createApi(world.api.url, 'hp_nobody').get('/openapi.json');
    await expect(stranger).rejects.toMatchObject({ status: 401 });
  });
});

describe('what the document says of requests', () => {
  const bodyOf = ({ requestBody }: DocumentedOperation) => requestBody?.content['application/json'].schema;

  test('is what routes parse: without what is required they refuse', async () => {
    const asked = operations.filter(([, operation]) => bodyOf(operation)?.required?.length);
    expect(asked.length).toBeGreaterThan(20);
    for (const [route, operation] of asked) {
      const [method = '', path = ''] = route.split(' ');
      const headers = { authorization: `Bearer ${world.api.key}`, 'content-type': 'application/json' };
      const url = `${world.api.url}/api/v1${path.replace(':id', crypto.randomUUID())}`;
      const answer = await fetch(url, { method, headers, body: '{}' });
      const { error } = (await answer.json()) as { error: { code: string; message: string } };
      const field = /^([\w.]+): /.exec(error.message)?.[1] ?? error.message;
      expect([route, answer.status, bodyOf(operation)?.required]).toEqual([
        route,
        400,
        expect.arrayContaining([field]),
      ]);
    }
  });

  test('is all that they parse: nothing is read of a request but by validate()', () => {
    // Those of agents are in docs/protocol.md.
    const routes = tracked().filter((path) => /^control-plane\/routes\/(?!bulk|enrol\.)/.test(path));
    const readers = routes.filter((path) =>
      /zValidator|c\.req\.(json|query|queries|parseBody)\(/.test(read(path)),
    );
    expect(routes.length).toBeGreaterThan(15);
    expect(readers).toEqual([]);
  });

  test('explains fields that there are', () => {
    for (const [route, { parameters, requestBody }] of operations) {
      const fields = Object.keys(requestBody?.content['application/json'].schema.properties ?? {});
      const names = [...fields, ...parameters.map(({ name }) => name)];
      expect([route, names]).toEqual([
        route,
        expect.arrayContaining(Object.keys(OPERATIONS[route]?.about ?? {})),
      ]);
    }
  });
});
