import {
  Ban,
  CircleAlert,
  CircleCheck,
  CircleDashed,
  CircleHelp,
  CircleX,
  Clock,
  Copy,
  FlaskConical,
  LifeBuoy,
  ListFilter,
  LoaderCircle,
  Lock,
  type LucideIcon,
  Pin,
  ShieldAlert,
  ShieldCheck,
  ShieldOff,
  Tag,
  Trash2,
  Wifi,
  WifiOff,
} from 'lucide-react';
import type { AgentState, JobState, ProtectionStatus, Snapshot } from '../api/types.ts';
import { formatRelative } from './format.ts';

type Tone = 'ok' | 'warn' | 'bad' | 'accent' | 'neutral';

const TONES = {
  ok: 'bg-ok-soft text-ok',
  warn: 'bg-warn-soft text-warn',
  bad: 'bg-bad-soft text-bad',
  accent: 'bg-accent-soft text-accent',
  neutral: 'bg-raised text-ink-2',
} satisfies Record<Tone, string>;

interface BadgeProps {
  tone: Tone;
  icon: LucideIcon;
  label: string;
  spin?: boolean;
}

function Badge({ tone, icon: Icon, label, spin }: BadgeProps) {
  return (
    <span
      className={`inline-flex items-center gap-1.5 rounded-full px-2 py-0.5 text-sm font-medium whitespace-nowrap ${TONES[tone]}`}
    >
      <Icon aria-hidden size={14} className={spin ? 'animate-spin' : ''} />
      {label}
    </span>
  );
}

/** A label of an agent. */
export function LabelBadge({ label }: { label: string }) {
  return <Badge tone="neutral" icon={Tag} label={label} />;
}

const JOB = {
  queued: { tone: 'neutral', icon: Clock, label: 'Queued' },
  offered: { tone: 'accent', icon: CircleDashed, label: 'Offered' },
  running: { tone: 'accent', icon: LoaderCircle, label: 'Running', spin: true },
  succeeded: { tone: 'ok', icon: CircleCheck, label: 'Succeeded' },
  failed: { tone: 'bad', icon: CircleX, label: 'Failed' },
  cancelled: { tone: 'neutral', icon: Ban, label: 'Cancelled' },
  lost: { tone: 'warn', icon: CircleHelp, label: 'Lost' },
} satisfies Record<JobState, BadgeProps>;

const AGENT = {
  online: { tone: 'ok', icon: Wifi, label: 'Online' },
  offline: { tone: 'warn', icon: WifiOff, label: 'Offline' },
  revoked: { tone: 'neutral', icon: Ban, label: 'Revoked' },
} satisfies Record<AgentState, BadgeProps>;

const PROTECTION = {
  protected: { tone: 'ok', icon: ShieldCheck, label: 'Protected' },
  'at-risk': { tone: 'warn', icon: ShieldAlert, label: 'At risk' },
  unprotected: { tone: 'bad', icon: ShieldOff, label: 'Unprotected' },
} satisfies Record<ProtectionStatus, BadgeProps>;

export function JobBadge({ state }: { state: JobState }) {
  return <Badge {...JOB[state]} />;
}

export function AgentBadge({ state }: { state: AgentState }) {
  return <Badge {...AGENT[state]} />;
}

export function ProtectionBadge({ status }: { status: ProtectionStatus }) {
  return <Badge {...PROTECTION[status]} />;
}

export function AttentionBadge({ label }: { label: string }) {
  return <Badge tone="warn" icon={CircleAlert} label={label} />;
}

const DRILL = {
  passed: { tone: 'ok', icon: FlaskConical, label: 'Drill passed' },
  failed: { tone: 'bad', icon: CircleX, label: 'Drill failed' },
  incomplete: { tone: 'warn', icon: CircleHelp, label: 'Drill not carried out' },
} satisfies Record<NonNullable<Snapshot['drill']>['outcome'], BadgeProps>;

export function DrillBadge({ outcome }: { outcome: keyof typeof DRILL }) {
  return <Badge {...DRILL[outcome]} />;
}

/** What is special about a snapshot. */
export function SnapshotBadges({
  snapshot,
}: {
  snapshot: Pick<
    Snapshot,
    'state' | 'partial' | 'beforeRestoreJobId' | 'copied' | 'lockedUntil' | 'pinned' | 'expiresAt' | 'drill'
  >;
}) {
  return (
    <>
      {snapshot.beforeRestoreJobId && <Badge tone="accent" icon={LifeBuoy} label="Before a restore" />}
      {snapshot.drill && <DrillBadge outcome={snapshot.drill.outcome} />}
      {snapshot.partial && <Badge tone="warn" icon={ListFilter} label="Partial" />}
      {snapshot.state === 'damaged' && <Badge tone="bad" icon={CircleX} label="Damaged" />}
      {snapshot.pinned && <Badge tone="accent" icon={Pin} label="Pinned" />}
      {snapshot.expiresAt !== null && (
        <Badge tone="warn" icon={Trash2} label={goingWords(snapshot.expiresAt)} />
      )}
      {snapshot.lockedUntil !== null && <Badge tone="ok" icon={Lock} label="Locked" />}
      {snapshot.copied !== null &&
        (snapshot.copied ? (
          <Badge tone="ok" icon={Copy} label="In the replica" />
        ) : (
          <Badge tone="neutral" icon={Clock} label="Not in the replica yet" />
        ))}
    </>
  );
}

function goingWords(expiresAt: string): string {
  const now = Date.now();
  return Date.parse(expiresAt) > now ? `Deleted ${formatRelative(expiresAt, now)}` : 'About to be deleted';
}
