import { useQueryClient } from '@tanstack/react-query';
import { CalendarClock, CloudUpload, ListFilter, ShieldOff } from 'lucide-react';
import { useState } from 'react';
import { queries } from '../api/queries.ts';
import type { Database, DatabaseFilter } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { count } from '../components/format.ts';
import { May } from '../components/may.tsx';
import type { Picked } from '../components/picked.ts';
import { BackUpManyDialog, ScheduleManyDialog, SelectManyDialog, StopManyDialog } from './database-many.tsx';

interface DatabasePicksProps {
  picked: Picked<Database>;
  filter: DatabaseFilter;
  /** How many there are by it. */
  total: number;
}

/** What can be done with the databases that are picked. */
export function DatabasePicks({ filter, picked, total }: DatabasePicksProps) {
  const [open, setOpen] = useState<'backup' | 'schedule' | 'selection' | 'stop'>();
  const client = useQueryClient();
  const chosen = picked.count(total);
  if (chosen === 0) return null;
  const props = {
    chosen,
    // Asked for when it is done: those that the filter finds then.
    databases: async () =>
      picked.some ?? picked.among(await client.fetchQuery(queries.everyDatabase(filter))),
    onClose: () => setOpen(undefined),
    onDone: picked.clear,
  };
  return (
    <section
      aria-label="Picked databases"
      className="sticky bottom-4 z-10 flex flex-wrap items-center gap-2 rounded-card border border-line bg-surface p-3 shadow-float"
    >
      <p role="status" className="mr-auto font-medium">
        {`${count(chosen, 'database')} picked`}
      </p>
      {total > chosen && (
        <Button size="small" onClick={picked.pickAll}>
          {`Pick all ${total.toLocaleString()}`}
        </Button>
      )}
      <Button size="small" onClick={picked.clear}>
        Pick none
      </Button>
      <May to="operate">
        <Button size="small" look="primary" onClick={() => setOpen('backup')}>
          <CloudUpload aria-hidden size={15} />
          Back up now
        </Button>
      </May>
      <May to="configure">
        <Button size="small" onClick={() => setOpen('schedule')}>
          <CalendarClock aria-hidden size={15} />
          Choose policy
        </Button>
        <Button size="small" onClick={() => setOpen('selection')}>
          <ListFilter aria-hidden size={15} />
          Choose rows
        </Button>
      </May>
      <May to={['configure', 'delete']}>
        <Button size="small" onClick={() => setOpen('stop')}>
          <ShieldOff aria-hidden size={15} />
          Stop protecting
        </Button>
      </May>
      {open === 'backup' && <BackUpManyDialog {...props} />}
      {open === 'schedule' && <ScheduleManyDialog {...props} />}
      {open === 'selection' && <SelectManyDialog {...props} />}
      {open === 'stop' && <StopManyDialog {...props} />}
    </section>
  );
}
