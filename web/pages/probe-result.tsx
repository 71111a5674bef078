import { CircleCheck } from 'lucide-react';
import type { ServerFacts } from '../api/types.ts';
import { Facts } from '../components/layout.tsx';

/** A login that worked, and what it found. */
export function ProbeResult({ facts }: { facts: ServerFacts }) {
  return (
    <div role="status" className="grid gap-3 rounded-card border border-ok/40 bg-ok-soft p-4">
      <p className="flex items-center gap-2.5 font-semibold">
        <CircleCheck aria-hidden size={18} className="text-ok" />
        The agent logged in.
      </p>
      <Facts
        items={[
          ['Server version', facts.version],
          ['Account', `${facts.user}: ${facts.privileges}`],
          ['Encrypted', facts.tls ? 'Yes' : 'No'],
          ['Round trip', `${Math.round(facts.latencyMs)} ms`],
        ]}
      />
    </div>
  );
}
