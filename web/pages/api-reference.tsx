import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Download } from 'lucide-react';
import { useState } from 'react';
import { type ApiDocument, DOCUMENT_PATH } from '../api/openapi.ts';
import { queries } from '../api/queries.ts';
import { buttonClass } from '../components/button.tsx';
import { CodeBlock } from '../components/copy.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { Card, Empty, Page, Skeleton } from '../components/layout.tsx';
import { matches, SearchField } from '../components/search.tsx';
import { OperationDetails, type Route } from './api-operation.tsx';

/** Every route of the API with what it takes and gives, drawn from the document that programs read. */
export function ApiReferencePage() {
  const document = useQuery(queries.apiDocument());
  const [search, setSearch] = useState('');
  return (
    <Page
      title="API reference"
      lead="Everything this UI does, for scripts. Each route opens to what it asks for, what it takes and what it answers."
      back={<Link to="/settings">Settings</Link>}
      actions={
        <a href={DOCUMENT_PATH} download="homeport-openapi.json" className={buttonClass()}>
          <Download aria-hidden size={16} />
          OpenAPI 3.1
        </a>
      }
    >
      <SearchField label="Search routes" value={search} onChange={setSearch} />
      <ErrorCard error={document.error} onRetry={() => void document.refetch()} />
      {document.isPending && (
        <Card flush>
          <Skeleton rows={8} />
        </Card>
      )}
      {document.data && <Reference document={document.data} search={search} />}
    </Page>
  );
}

function Reference({ document, search }: { document: ApiDocument; search: string }) {
  const found = routesOf(document).filter(({ method, operation, path }) =>
    matches(search, [method, path, operation.summary, operation.description, ...operation.tags]),
  );
  const groups = document.tags
    .map(({ name }) => ({ name, routes: found.filter(({ operation }) => operation.tags.includes(name)) }))
    .filter(({ routes }) => routes.length > 0);
  return (
    <>
      {search === '' && <FirstSteps />}
      {groups.length === 0 && (
        <Card>
          <Empty title="No route matches." />
        </Card>
      )}
      {groups.map(({ name, routes }) => (
        <Card key={name} title={name} flush>
          {routes.map((route) => (
            <OperationDetails key={route.operation.operationId} document={document} route={route} />
          ))}
        </Card>
      ))}
    </>
  );
}

function routesOf({ paths }: ApiDocument): Route[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
}

/** How a key comes into the shell of the examples. */
function FirstSteps() {
  return (
    <Card title="Before the first request">
      <div className="grid grid-cols-1 gap-3">
        <p className="text-ink-2">
          Make a key with the scopes that your script needs under{' '}
          <Link to="/settings" className="text-accent underline">
            Settings → API keys
          </Link>
          , and read it into the shell, where no other user sees it. The examples take it from there.
        </p>
        <CodeBlock label="Read an API key" text="read -rs KEY" />
      </div>
    </Card>
  );
}
