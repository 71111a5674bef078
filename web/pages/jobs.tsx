import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { queries } from '../api/queries.ts';
import { Button, buttonClass } from '../components/button.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { Field } from '../components/field.tsx';
import { JobTable } from '../components/job-table.tsx';
import { Card, Empty, Page, Skeleton } from '../components/layout.tsx';

const STATES = [
  ['', 'All jobs'],
  ['queued', 'Queued'],
  ['running', 'Running'],
  ['succeeded', 'Succeeded'],
  ['failed', 'Failed'],
  ['cancelled', 'Cancelled'],
  ['lost', 'Lost'],
] as const;

export function JobsPage() {
  const [state, setState] = useState('');
  const jobs = useInfiniteQuery(queries.jobs(state ? { state } : {}));
  const rows = jobs.data?.pages.flat();
  return (
    <Page title="Jobs" lead="Backups and restores, as they happen.">
      <div className="w-44">
        <Field label="Show">
          {(attributes) => (
            <select
              {...attributes}
              className="control"
              value={state}
              onChange={(event) => setState(event.target.value)}
            >
              {STATES.map(([value, label]) => (
                <option key={value} value={value}>
                  {label}
                </option>
              ))}
            </select>
          )}
        </Field>
      </div>
      <ErrorCard error={jobs.error} onRetry={() => void jobs.refetch()} />
      <Card flush>
        {jobs.isPending && <Skeleton />}
        {rows?.length === 0 && (
          <Empty
            title={state ? 'No job in this state' : 'No job yet'}
            action={
              !state && (
                <Link to="/databases" className={buttonClass()}>
                  Go to databases
                </Link>
              )
            }
          >
            {!state && 'Open a database and press “Back up now”.'}
          </Empty>
        )}
        {rows && rows.length > 0 && <JobTable jobs={rows} label="Jobs" />}
      </Card>
      {jobs.hasNextPage && (
        <Button
          className="justify-self-center"
          busy={jobs.isFetchingNextPage}
          onClick={() => void jobs.fetchNextPage()}
        >
          Show older jobs
        </Button>
      )}
    </Page>
  );
}
