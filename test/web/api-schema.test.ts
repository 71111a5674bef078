import { describe, expect, test } from 'vitest';
import type { ApiDocument, Schema } from '../../web/api/openapi.ts';
import { curlOf, sampleOf, typeText, variantsOf } from '../../web/pages/api-schema.ts';
import { documentOfCode } from '../support/held-answers.ts';

const document = documentOfCode() as unknown as ApiDocument;
const shapes = document.components.schemas;
const operation = (method: string, path: string) => {
  const found = document.paths[path]?.[method.toLowerCase()];
  if (!found) throw new Error(`${method} ${path} is not in the document`);
  return { method, path, operation: found };
};

describe('a shape in words', () => {
  test.for<[string, Schema]>([
    ['UUID or null', { anyOf: [{ type: 'string', format: 'uuid' }, { type: 'null' }] }],
    ['list of Job', { type: 'array', items: { $ref: '#/components/schemas/Job' } }],
    ['"a" | 1', { enum: ['a', 1] }],
    ['string or number', { type: ['string', 'number'] }],
    ['anything', {}],
  ])('%s', ([words, schema]) => {
    expect(typeText(schema)).toBe(words);
  });

  test('has the fields of what it refers to, through lists and what may be null', () => {
    const job = variantsOf({ anyOf: [{ $ref: '#/components/schemas/Job' }, { type: 'null' }] }, shapes);
    expect(job).toHaveLength(1);
    expect(job[0]?.fields.find(({ name }) => name === 'state')).toMatchObject({ required: true });
    const body =
      operation('POST', '/vaults').operation.requestBody?.content['application/json']?.schema ?? {};
    const [first] = variantsOf(body, shapes);
    const store = first?.fields.find(({ name }) => name === 'store')?.schema ?? {};
    expect(variantsOf(store, shapes).map(({ label }) => label)).toEqual(['kind "s3"', 'kind "rclone"']);
  });

  test('is told for every body and every answer of the API', () => {
    for (const [path, item] of Object.entries(document.paths))
      for (const [method, { requestBody, responses }] of Object.entries(item)) {
        const contents = [requestBody?.content, ...Object.values(responses).map(({ content }) => content)];
        for (const schema of contents.flatMap((content) => content?.['application/json']?.schema ?? []))
          expect([
            method,
            path,
            variantsOf(schema, shapes).length > 0 || schema.additionalProperties !== undefined,
          ]).toEqual([method, path, true]);
      }
  });
});

describe('an example', () => {
  test('has what is required of the body, and no more', () => {
    const body = operation('PATCH', '/users/{id}').operation.requestBody?.content['application/json']?.schema;
    expect(sampleOf(body ?? {}, shapes)).toEqual({ role: 'owner' });
  });

  test('says method, address, body and key as a shell takes them', () => {
    const end = `-H @- <<<"authorization: Bearer $KEY"`;
    const served = { ...document, servers: [{ url: 'https://backups.example.org/api/v1' }] };
    const curl = (method: string, path: string) => curlOf(operation(method, path), served);
    expect(curl('GET', '/databases/{id}')).toBe(
      `curl -sS --fail-with-body 'https://backups.example.org/api/v1/databases/ID' \\\n  ${end}`,
    );
    expect(curl('DELETE', '/databases/{id}')).toBe(
      `curl -sS --fail-with-body -X DELETE 'https://backups.example.org/api/v1/databases/ID' \\\n  --json '{"confirm":"…"}' \\\n  ${end}`,
    );
    expect(curl('GET', '/snapshots/{id}/download')).toContain(' -OJ ');
    expect(curl('GET', '/events')).toContain(' -N ');
    expect(curl('POST', '/databases/{id}/backup')).toContain(' -X POST ');
    expect(curl('GET', '/setup')).not.toContain('$KEY');
  });

  test('has a quote nowhere that would end the shell’s', () => {
    for (const [path, item] of Object.entries(document.paths))
      for (const method of Object.keys(item)) {
        const command = curlOf(operation(method.toUpperCase(), path), document);
        expect([command, (command.match(/'/g) ?? []).length % 2]).toEqual([command, 0]);
        expect(command).not.toMatch(/--json '[^']*'[^ ]/);
      }
  });
});
