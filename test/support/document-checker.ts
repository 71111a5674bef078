import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { type Answer, routeOf } from './answers.ts';

/** What is read of an OpenAPI document. */
export interface ApiDocument {
  openapi: string;
  paths: Record<string, Record<string, DocumentedOperation>>;
  components: { schemas: Record<string, object> };
}

export interface DocumentedOperation {
  tags: string[];
  operationId: string;
  summary: string;
  security: Record<string, string[]>[];
  parameters: { name: string; in: string; required: boolean; schema: object }[];
  requestBody?: { content: { 'application/json': { schema: DocumentedSchema } } };
  responses: Record<string, { description: string; content: Record<string, { schema: object }> }>;
}

export interface DocumentedSchema {
  properties?: Record<string, object>;
  required?: string[];
}

const MOUNT = '/api/v1';

/** Every operation by method and path, as the app writes them: `GET /agents/:id`. */
export function operationsOf({ paths }: ApiDocument): Record<string, DocumentedOperation> {
  const all = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => [
      `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
      operation,
    ]),
  );
  return Object.fromEntries(all);
}

export interface DocumentChecker {
  /** What an answer has that the document does not say, or the other way round; nothing where it is as documented. */
  complaints(answer: Answer): string[];
  /** Routes that were answered with a success, of those the document has. */
  answered(answers: readonly Answer[]): Set<string>;
}

/** Holds answers to a document. Fields that it does not know are complaints, though readers have to expect them. */
export function documentChecker(document: ApiDocument): DocumentChecker {
  const closed = JSON.parse(JSON.stringify(document), (_key, value) => close(value)) as ApiDocument;
  const operations = operationsOf(closed);
  const ajv = new Ajv2020({ strict: false, formats: { base64: true } });
  formats.default(ajv);
  ajv.addSchema({ $id: 'document', components: closed.components });
  const validators = new Map<object, ValidateFunction>();
  const validator = (schema: object) => {
    const known = validators.get(schema) ?? ajv.compile(inDocument(schema));
    validators.set(schema, known);
    return known;
  };
  const routeIn = (answer: Answer) => routeOf(answer).replace(MOUNT, '');
  return {
    complaints(answer) {
      if (!answer.path.startsWith(`${MOUNT}/`)) return [];
      const route = routeIn(answer);
      const operation = operations[route];
      // Nothing is there, and the answer says so to those who may know.
      if (!operation) return [401, 404].includes(answer.status) ? [] : [`${route}: is not in the document`];
      const { responses } = operation;
      const response = responses[answer.status] ?? responses[`${String(answer.status).charAt(0)}XX`];
      if (!response) return [`${route}: ${answer.status} is not in the document`];
      const content = response.content[answer.contentType];
      if (!content) return [`${route}: ${answer.status} is of type ${answer.contentType}`];
      if (answer.contentType !== 'application/json') return [];
      const valid = validator(content.schema);
      const body: unknown = JSON.parse(Buffer.from(answer.body, 'latin1').toString('utf8'));
      return valid(body) ? [] : [`${route}: ${answer.status}: ${ajv.errorsText(valid.errors)}`];
    },
    answered: (answers) =>
      new Set(
        answers
          .filter(({ status }) => status < 300)
          .map(routeIn)
          .filter((route) => operations[route]),
      ),
  };
}

/** An object with nothing but what is described. */
function close(value: unknown): unknown {
  if (value === null || typeof value !== 'object' || !('properties' in value)) return value;
  const isSchema = typeof value.properties === 'object' && 'type' in value && value.type === 'object';
  return isSchema && !('additionalProperties' in value) ? { ...value, additionalProperties: false } : value;
}

/** The same with references into the document that was added. */
function inDocument(schema: object): object {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', '"document#/components/'));
}
