import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { RotateCw, ShieldCheck } from 'lucide-react';
import { useState } from 'react';
import { acts } from '../api/acts.ts';
import { queries } from '../api/queries.ts';
import type { AvailableDatabase, Server } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { count, formatBytes } from '../components/format.ts';
import { Card, Empty, Skeleton } from '../components/layout.tsx';
import { matches, SearchField } from '../components/search.tsx';
import { RowTitle, Table } from '../components/table.tsx';

/** The databases the agent finds on the server, to be ticked. */
export function ChooseDatabases({ server }: { server: Server }) {
  const found = useQuery(queries.availableDatabases(server.id));
  const [chosen, setChosen] = useState<Set<string>>(new Set());
  const [search, setSearch] = useState('');
  const client = useQueryClient();
  const protect = useMutation({
    mutationFn: () => acts.protect(server.id, [...chosen]),
    onSuccess: () => {
      setChosen(new Set());
      for (const topic of ['databases', 'available-databases', 'overview']) {
        void client.invalidateQueries({ queryKey: [topic] });
      }
    },
  });
  const free = found.data?.databases.filter(({ databaseId }) => databaseId === null) ?? [];
  const shown = free.filter(({ name }) => matches(search, [name]));
  const tick = (name: string) => {
    const next = new Set(chosen);
    if (!next.delete(name)) next.add(name);
    setChosen(next);
  };
  const refresh = (
    <Button size="small" busy={found.isFetching} onClick={() => void found.refetch()}>
      <RotateCw aria-hidden size={14} />
      Ask again
    </Button>
  );
  return (
    <Card title="Not protected yet" actions={refresh} flush>
      {found.isPending && <Skeleton rows={3} />}
      {found.error && (
        <div className="p-4">
          <ErrorCard error={found.error} />
        </div>
      )}
      {found.data && free.length === 0 && <Empty title="No other database on this server" />}
      {free.length > 8 && (
        <div className="border-b border-line p-4">
          <SearchField label="Search databases" value={search} onChange={setSearch} />
        </div>
      )}
      {shown.length > 0 && <AvailableTable rows={shown} chosen={chosen} onTick={tick} />}
      {free.length > 0 && (
        <div className="grid gap-3 border-t border-line p-4">
          <ErrorCard error={protect.error} />
          <div className="flex flex-wrap items-center justify-between gap-3">
            <p className="text-ink-3">
              {chosen.size ? `${count(chosen.size, 'database')} chosen` : waitingWords(server)}
            </p>
            <Button
              look="primary"
              busy={protect.isPending}
              disabled={chosen.size === 0}
              onClick={() => protect.mutate()}
            >
              <ShieldCheck aria-hidden size={16} />
              Protect
            </Button>
          </div>
        </div>
      )}
    </Card>
  );
}

/** Why databases are left where all are protected by themselves. */
function waitingWords({ autoProtect }: Server): string {
  return autoProtect
    ? 'Left out because they were stopped, or take no connections.'
    : 'Choose what to protect.';
}

interface AvailableTableProps {
  rows: AvailableDatabase[];
  chosen: Set<string>;
  onTick: (name: string) => void;
}

function AvailableTable({ rows, chosen, onTick }: AvailableTableProps) {
  return (
    <Table
      label="Databases on the server"
      rows={rows}
      rowKey={(row) => row.name}
      columns={[
        {
          header: 'Database',
          cell: (row) => (
            <label className="flex items-center gap-3">
              <input
                type="checkbox"
                checked={chosen.has(row.name)}
                disabled={!row.connectable}
                onChange={() => onTick(row.name)}
              />
              <RowTitle note={row.connectable ? undefined : 'It accepts no connections.'}>
                {row.name}
              </RowTitle>
            </label>
          ),
        },
        { header: 'Owner', show: 'wide', cell: (row) => row.owner ?? '–' },
        {
          header: 'Size',
          align: 'end',
          cell: (row) => (row.sizeBytes === null ? '–' : formatBytes(row.sizeBytes)),
        },
      ]}
    />
  );
}
