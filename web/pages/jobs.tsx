import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { queries } from '../api/queries.ts';
import { buttonClass } from '../components/button.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { Field } from '../components/field.tsx';
import { AllJobsTable } from '../components/job-table.tsx';
import { Card, Empty, Page, Skeleton } from '../components/layout.tsx';

const route = getRouteApi('/app/jobs');

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
  const filter = route.useSearch();
  const { state = '' } = filter;
  const navigate = useNavigate({ from: '/jobs' });
  const setState = (next: string) =>
    void navigate({ search: next ? { state: next } : {}, replace: true, resetScroll: false });
  const jobs = useQuery({ ...queries.jobs(filter), placeholderData: keepPreviousData });
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
        {jobs.data?.total === 0 && (
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
        {jobs.data && jobs.data.total > 0 && (
          <AllJobsTable filter={filter} total={jobs.data.total} label="Jobs" />
        )}
      </Card>
    </Page>
  );
}
