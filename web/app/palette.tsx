import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { Database, type LucideIcon, Server, Waypoints } from 'lucide-react';
import { type KeyboardEvent, useDeferredValue, useEffect, useId, useState } from 'react';
import { queries } from '../api/queries.ts';
import { Dialog } from '../components/dialog.tsx';
import { matches } from '../components/search.tsx';
import { useEveryDestination } from './navigation.ts';

interface Hit {
  key: string;
  label: string;
  note: string;
  icon: LucideIcon;
  href: string;
}

const MAX_HITS = 16;
const MAX_OF_KIND = 6;

/** Pages by their names here; the rest is asked for, as long as the fleet may be. */
function useHits(search: string): Hit[] {
  const destinations = useEveryDestination();
  const q = useDeferredValue(search.trim());
  const filter = q === '' ? {} : { q };
  const kept = { placeholderData: keepPreviousData };
  const databases = useQuery({ ...queries.databases(filter), ...kept }).data?.rows ?? [];
  const servers = useQuery({ ...queries.servers(filter), ...kept }).data?.rows ?? [];
  const agents = useQuery({ ...queries.agents(filter), ...kept }).data?.rows ?? [];
  const pages = destinations
    .map(({ to, label, icon }) => ({ key: to, label, note: 'Page', icon, href: to }))
    .filter(({ label, note }) => matches(search, [label, note]));
  // Of each kind some, though the search finds a hundred of the first.
  const some = <T,>(rows: T[]) => rows.slice(0, MAX_OF_KIND);
  return [
    ...pages,
    ...some(databases).map((d) => hit(Database, `/databases/${d.id}`, d.name, `Database on ${d.serverName}`)),
    ...some(servers).map((s) => hit(Server, `/servers/${s.id}`, s.name, `Server on ${s.agentName}`)),
    ...some(agents).map((a) => hit(Waypoints, `/agents/${a.id}`, a.name, 'Agent')),
  ].slice(0, MAX_HITS);
}

function hit(icon: LucideIcon, href: string, label: string, note: string): Hit {
  return { key: href, label, note, icon, href };
}

/** Goes to any page, database, server or agent by a few letters of its name. */
export function Palette({ onClose }: { onClose: () => void }) {
  const [search, setSearch] = useState('');
  const [active, setActive] = useState(0);
  const list = useId();
  const navigate = useNavigate();
  const hits = useHits(search);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new search starts at its first hit
  useEffect(() => setActive(0), [search]);
  const go = (target: Hit | undefined) => {
    if (!target) return;
    onClose();
    void navigate({ to: target.href });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown') setActive((active + 1) % Math.max(1, hits.length));
    else if (event.key === 'ArrowUp') setActive((active + hits.length - 1) % Math.max(1, hits.length));
    else if (event.key === 'Enter') go(hits[active]);
    else return;
    event.preventDefault();
  };
  return (
    <Dialog title="Go to" onClose={onClose}>
      <input
        role="combobox"
        aria-label="Page, database, server or agent"
        aria-expanded="true"
        aria-controls={list}
        aria-activedescendant={hits[active] ? `${list}-${active}` : undefined}
        placeholder="Page, database, server or agent…"
        value={search}
        onChange={(event) => setSearch(event.target.value)}
        onKeyDown={onKeyDown}
        className="control"
      />
      <div id={list} role="listbox" aria-label="Results" className="mt-2 grid grid-cols-1 gap-0.5">
        {hits.map(({ key, label, note, icon: Icon, href }, index) => (
          // biome-ignore lint/a11y/useFocusableInteractive: the input keeps the focus, aria-activedescendant names the option
          // biome-ignore lint/a11y/useKeyWithClickEvents: keys are handled by the input
          <div
            key={key}
            id={`${list}-${index}`}
            role="option"
            aria-selected={index === active}
            onClick={() => go({ key, label, note, icon: Icon, href })}
            className="flex cursor-pointer items-center gap-2.5 rounded-control px-2.5 py-2 hover:bg-raised aria-selected:bg-accent-soft"
          >
            <Icon aria-hidden size={16} className="shrink-0 text-ink-3" />
            <span className="min-w-0 flex-1 truncate">{label}</span>
            <span className="max-w-1/2 shrink-0 truncate text-sm text-ink-3">{note}</span>
          </div>
        ))}
      </div>
      {hits.length === 0 && <p className="px-2.5 py-4 text-ink-3">Nothing has that name.</p>}
    </Dialog>
  );
}
