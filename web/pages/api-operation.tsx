import { ChevronRight } from 'lucide-react';
import type { ReactNode } from 'react';
import { useState } from 'react';
import type { ApiDocument, ApiOperation, Parameter } from '../api/openapi.ts';
import { CodeBlock } from '../components/copy.tsx';
import { Facts } from '../components/layout.tsx';
import { curlOf, described, type Field, typeText, type Variant, variantsOf } from './api-schema.ts';

/** One route of the API. */
export interface Route {
  method: string;
  path: string;
  operation: ApiOperation;
}

type Shapes = ApiDocument['components']['schemas'];

const TONES: Record<string, string> = {
  GET: 'bg-raised text-ink-2',
  POST: 'bg-accent-soft text-accent',
  PUT: 'bg-warn-soft text-warn',
  PATCH: 'bg-warn-soft text-warn',
  DELETE: 'bg-bad-soft text-bad',
};

/** A route in one line; what it takes and gives when it is opened. */
export function OperationDetails({ document, route }: { document: ApiDocument; route: Route }) {
  const [open, setOpen] = useState(false);
  const { method, operation, path } = route;
  return (
    <details
      className="group border-b border-line last:border-b-0"
      onToggle={(event) => setOpen(event.currentTarget.open)}
    >
      <summary className="flex flex-wrap items-baseline gap-x-3 gap-y-0.5 px-4 py-2.5 hover:bg-raised/60">
        <span
          className={`w-16 shrink-0 rounded-control py-0.5 text-center font-mono text-xs font-semibold ${TONES[method] ?? ''}`}
        >
          {method}
        </span>
        <code className="min-w-0 font-mono text-sm font-medium">{path}</code>
        <span className="min-w-0 flex-1 text-sm text-ink-2">{operation.summary}</span>
        <ChevronRight
          aria-hidden
          size={15}
          className="shrink-0 self-center text-ink-3 transition-transform group-open:rotate-90"
        />
      </summary>
      {open && <Operation document={document} route={route} />}
    </details>
  );
}

function Operation({ document, route }: { document: ApiDocument; route: Route }) {
  const { operation, method, path } = route;
  const shapes = document.components.schemas;
  const body = operation.requestBody?.content['application/json']?.schema;
  const successes = Object.entries(operation.responses).filter(([status]) => status.startsWith('2'));
  return (
    <div className="grid grid-cols-1 gap-4 px-4 pt-1 pb-5 sm:pl-23">
      {operation.description && <p className="max-w-3xl text-ink-2">{operation.description}</p>}
      <Facts items={askedOf(operation)} />
      {operation.parameters.length > 0 && (
        <Part title="Parameters">
          <Fields fields={operation.parameters.map(asField)} shapes={shapes} />
        </Part>
      )}
      {body && (
        <Part title="Body">
          <Variants variants={variantsOf(body, shapes)} shapes={shapes} />
        </Part>
      )}
      {successes.map(([status, { content, description }]) => (
        <Part key={status} title={`Answer ${status}`}>
          <p className="text-ink-2">{description}</p>
          {Object.entries(content).map(([type, { schema }]) =>
            type === 'application/json' ? (
              <div key={type} className="grid gap-1">
                <p className="font-mono text-sm text-ink-3">{typeText(schema)}</p>
                <Variants variants={variantsOf(schema, shapes)} shapes={shapes} />
              </div>
            ) : (
              <p key={type} className="font-mono text-sm text-ink-3">
                {type}
              </p>
            ),
          )}
        </Part>
      ))}
      <CodeBlock text={curlOf(route, document)} label={`Example for ${method} ${path}`} />
    </div>
  );
}

const asField = ({ in: place, name, required, schema, ...parameter }: Parameter): Field => ({
  name,
  required,
  schema,
  type: typeText(schema),
  description: place === 'path' ? 'In the path.' : described({ ...schema, ...parameter }),
});

function askedOf(operation: ApiOperation): [string, ReactNode][] {
  const rights = operation.security[0]?.apiKey;
  if (!rights) return [['Open to', 'everybody']];
  const roles = operation['x-homeport-roles'] ?? [];
  const reach = operation['x-homeport-within-reach'];
  return [
    ['Rights, or scopes of a key', rights.join(', ')],
    ['Roles with all of them', roles.join(', ')],
    ...(reach
      ? [['Only within reach', `the ${reach} of an agent whose labels the caller sees`] as [string, string]]
      : []),
    ...(operation['x-homeport-fresh-sign-in']
      ? [['Fresh sign-in', 'asked of a session, not of a key'] as [string, string]]
      : []),
  ];
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="grid min-w-0 grid-cols-1 gap-1.5">
      <h3 className="text-sm font-semibold">{title}</h3>
      {children}
    </section>
  );
}

function Variants({ variants, shapes }: { variants: Variant[]; shapes: Shapes }) {
  return variants.map(({ fields, label }) => (
    <div key={label} className="grid min-w-0 grid-cols-1 gap-1">
      {label && <p className="font-mono text-sm text-ink-2">Where {label}:</p>}
      <Fields fields={fields} shapes={shapes} />
    </div>
  ));
}

function Fields({ fields, shapes }: { fields: Field[]; shapes: Shapes }) {
  return (
    <ul className="grid grid-cols-1 divide-y divide-line rounded-control border border-line">
      {fields.map((field) => (
        <li key={field.name} className="min-w-0 px-3 py-1.5">
          <FieldRow field={field} shapes={shapes} />
        </li>
      ))}
    </ul>
  );
}

function FieldRow({ field, shapes }: { field: Field; shapes: Shapes }) {
  const [open, setOpen] = useState(false);
  const within = variantsOf(field.schema, shapes);
  const line = (
    <>
      <code className="font-mono text-sm font-medium">{field.name}</code>{' '}
      <span className="text-sm text-ink-3">
        {field.type}
        {field.required ? '' : ', optional'}
      </span>
      {field.description && <span className="block text-sm text-ink-2">{field.description}</span>}
    </>
  );
  if (within.length === 0) return line;
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{line}</summary>
      {open && (
        <div className="grid grid-cols-1 gap-2 pt-2 pb-1">
          <Variants variants={within} shapes={shapes} />
        </div>
      )}
    </details>
  );
}
