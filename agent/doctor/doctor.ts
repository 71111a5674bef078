import os from 'node:os';
import type { CheckResult, DoctorReport } from '../../protocol/doctor.ts';
import type { Failure } from '../../protocol/failure.ts';
import { HOMEPORT_VERSION } from '../../protocol/version.ts';
import type { AgentConfig } from '../config.ts';
import { controlPlaneOrigin } from '../connection/address.ts';
import { type Route, routeTo } from '../connection/proxy.ts';
import type { JobParts } from '../jobs/parts.ts';
import { loadMembership, type Membership } from '../membership.ts';
import { found, look, type Subject, skipped } from './check.ts';
import { configurationFinding } from './configuration.ts';
import { handshakeFinding, membershipFinding } from './membership.ts';
import { lookAtServers, lookAtTools } from './servers.ts';
import { runningFinding, stateFinding, temporaryFinding } from './state.ts';
import { updatesFinding } from './updates.ts';
import { lookAtWay } from './way.ts';

/** What is on this host's disks is looked at within this, in milliseconds. */
const HOST_MS = 10_000;
const HANDSHAKE_MS = 10_000;

export interface DoctorParts extends Pick<JobParts, 'servers' | 'driverFor'> {
  config: AgentConfig;
  /** Why the configuration file cannot be used; `config` is then what holds without it. */
  refusal?: Failure | undefined;
  /** Address of a control plane to look at, where it is not the one that this agent belongs to. */
  url?: string | undefined;
  /** No server is begun with after this, in milliseconds. */
  patienceMs: number;
}

/** {@link examine}, once at a time: who asks meanwhile gets the same report. */
export function createExaminer(parts: DoctorParts): () => Promise<DoctorReport> {
  let running: Promise<DoctorReport> | undefined;
  return () => {
    running ??= examine(parts).finally(() => {
      running = undefined;
    });
    return running;
  };
}

/**
 * Looks at all that an agent needs, changes nothing and disturbs no agent that runs. What does not depend on each
 * other is looked at at the same time. Never rejects for what it finds.
 */
export async function examine(parts: DoctorParts): Promise<DoctorReport> {
  const groups = await Promise.all([
    lookAtHost(parts),
    lookAtControlPlane(parts),
    lookAtTools(parts),
    lookAtServers(parts, parts.patienceMs),
  ]);
  return { version: HOMEPORT_VERSION, hostname: os.hostname(), checks: groups.flat().slice(0, 600) };
}

function lookAtHost({ config, refusal }: DoctorParts): Promise<CheckResult[]> {
  const { stateDir } = config;
  const on = (id: string, title: string): Subject => ({ id: `host.${id}`, title });
  return Promise.all([
    look(on('configuration', 'Configuration'), HOST_MS, () => configurationFinding(config, refusal)),
    look(on('updates', 'Updates'), HOST_MS, () => updatesFinding(config)),
    look(on('state', 'State directory'), HOST_MS, () => stateFinding(stateDir)),
    look(on('temporary', 'Temporary files'), HOST_MS, temporaryFinding),
    look(on('running', 'Running agent'), HOST_MS, () => runningFinding(stateDir)),
  ]);
}

const ENROLMENT = { id: 'control-plane.enrolment', title: 'Enrolment' };
const ADDRESS = { id: 'control-plane.address', title: 'Address of the control plane' };
const HANDSHAKE = { id: 'control-plane.handshake', title: 'Handshake with the control plane' };

async function lookAtControlPlane({ config, url }: DoctorParts): Promise<CheckResult[]> {
  let membership: Membership | undefined;
  const enrolment = await look(ENROLMENT, HOST_MS, async () => {
    membership = await loadMembership(config);
    return membershipFinding(membership);
  });
  const wanted = url ?? membership?.pinned.url;
  if (wanted === undefined) return [enrolment];
  let way: { origin: URL; route: Route } | undefined;
  const address = await look(ADDRESS, HOST_MS, async () => {
    const origin = controlPlaneOrigin(wanted);
    way = { origin, route: routeTo(origin, config.proxy) };
    return { verdict: 'ok', seen: `${origin.origin}, ${url ? 'as asked' : 'as enrolled'}.` };
  });
  if (!way) return [enrolment, address];
  const { origin, route } = way;
  const stages = await lookAtWay(origin, route);
  return [enrolment, address, ...stages, await lookAtHandshake()];

  function lookAtHandshake(): Promise<CheckResult> | CheckResult {
    if (!membership || origin.origin !== membership.pinned.url) {
      return found(HANDSHAKE, skipped('Not tried: this agent does not belong to the control plane there.'));
    }
    const broken = stages.find(({ id, verdict }) => verdict === 'failed' && id.startsWith('control-plane.'));
    if (broken) return found(HANDSHAKE, skipped(`Not tried: “${broken.title}” comes before it.`));
    const { identity, pinned } = membership;
    const { stateDir } = config;
    return look(HANDSHAKE, HANDSHAKE_MS, (signal) =>
      handshakeFinding({ identity, pinned }, { route, stateDir }, signal),
    );
  }
}
