import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { Database, type LucideIcon, Server, Waypoints } from 'lucide-react';
import { type KeyboardEvent, useEffect, useId, useState } from 'react';
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

const MAX_HITS = 12;

function useHits(search: string): Hit[] {
  const destinations = useEveryDestination();
  const databases = useQuery(queries.databases()).data ?? [];
  const servers = useQuery(queries.servers()).data ?? [];
  const agents = useQuery(queries.agents()).data ?? [];
  const all: Hit[] = [
    ...destinations.map(({ to, label, icon }) => ({ key: to, label, note: 'Page', icon, href: to })),
    ...databases.map((d) => hit(Database, `/databases/${d.id}`, d.name, `Database on ${d.serverName}`)),
    ...servers.map((s) => hit(Server, `/servers/${s.id}`, s.name, `Server on ${s.agentName}`)),
    ...agents.map((a) => hit(Waypoints, `/agents/${a.id}`, a.name, 'Agent')),
  ];
  return all.filter((each) => matches(search, [each.label, each.note])).slice(0, MAX_HITS);
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
