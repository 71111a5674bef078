import { type FSWatcher, watch } from 'node:fs';
import { isSea } from 'node:sea';
import { type Failure, FailureError, fail, toFailure } from '../../protocol/failure.ts';
import type { UpdateOutcome, UpdateStanding } from '../../protocol/update.ts';
import { HOMEPORT_VERSION } from '../../protocol/version.ts';
import type { Clock } from '../clock.ts';
import type { AgentConfig } from '../config.ts';
import type { Jobs } from '../jobs/jobs.ts';
import type { Log } from '../log.ts';
import { type Surroundings, surroundings } from '../surroundings.ts';
import { judgeRelease, notPossible } from './judge.ts';
import { updateRecord } from './outcome.ts';
import type { ReleaseClient } from './release-client.ts';
import { loadReleaseKey } from './release-key.ts';
import { stagingIn } from './staging.ts';

/** How long whoever puts builds in place may take to begin, in milliseconds. */
const HAND_OVER_MS = 3 * 60_000;

export interface UpdaterParts {
  config: Pick<AgentConfig, 'policy' | 'releaseKeyFile' | 'stateDir' | 'updatesDir'>;
  client: ReleaseClient;
  jobs: Pick<Jobs, 'drain' | 'resume'>;
  clock: Clock;
  log: Log;
  /** Called when what {@link Updater.standing} says has changed. */
  changed(): void;
}

/** Updates of this agent, as far as it is the agent's to do: fetch, check, finish what runs, ask to be replaced. */
export interface Updater {
  /** Resolves once the build lies checked on this host; the rest follows. @throws FailureError why it is not taken */
  begin(version: string, signal: AbortSignal): Promise<void>;
  standing(): Promise<UpdateStanding>;
  /** What a former process asked for is withdrawn; who puts builds in place has it, or has not taken it. */
  start(): Promise<void>;
  stop(): void;
}

/** What this program is of a release. */
export function ownPlatform(): string {
  return isSea() ? `linux-${process.arch}` : 'node';
}

export function createUpdater(parts: UpdaterParts): Updater {
  const { changed, client, clock, config, jobs, log } = parts;
  const staging = stagingIn(config.stateDir);
  const record = config.updatesDir === undefined ? undefined : updateRecord(config.updatesDir);
  let pending: string | undefined;
  let ignored: UpdateOutcome | undefined;
  let stopped = false;
  let cancelWait: () => void = () => undefined;
  let watcher: FSWatcher | undefined;

  async function handOver(version: string): Promise<void> {
    await jobs.drain();
    if (stopped) return;
    log.info({ version }, 'asks to be replaced by the new version');
    await staging.request(version);
    cancelWait = clock.after(HAND_OVER_MS, () => {
      ignored = outcomeOf(version, notTaken().failure);
      void goOn();
    });
  }
  async function goOn(): Promise<void> {
    await staging
      .clear()
      .catch((error) => log.warn({ failure: toFailure(error) }, 'a build was left behind'));
    pending = undefined;
    jobs.resume();
    changed();
  }
  async function prepare(version: string, signal: AbortSignal): Promise<void> {
    const key = await requireConsent(config);
    const signed = await client.manifest(signal);
    const wish = { key, platform: ownPlatform(), running: HOMEPORT_VERSION, wanted: version };
    const file = judgeRelease(Buffer.from(signed.manifest), signed.signature, wish);
    await staging.fill(client, { signed, file }, signal);
  }

  return {
    async begin(version, signal) {
      if (pending !== undefined) throw underWay(pending);
      pending = version;
      try {
        await prepare(version, signal);
      } catch (error) {
        pending = undefined;
        await staging.clear();
        if (error instanceof FailureError)
          log.warn({ version, code: error.failure.code }, 'refused an update');
        throw error;
      }
      log.info({ version }, 'fetched and checked a new version; finishing what runs');
      handOver(version).catch((error) => {
        ignored = outcomeOf(version, toFailure(error));
        void goOn();
      });
    },
    async standing() {
      const key = await loadReleaseKey(config.releaseKeyFile).catch(() => undefined); // doctor tells of it
      const trial = await record?.trial().catch(() => undefined); // while it is being written
      const last = ignored ?? (await record?.outcome().catch(() => undefined));
      return {
        possible: record !== undefined,
        key: key ?? null,
        pending: pending ?? trial?.to ?? null,
        last: last ?? null,
      };
    },
    async start() {
      await staging.withdraw();
      if (config.updatesDir === undefined) return;
      try {
        watcher = watch(config.updatesDir, changed);
        watcher.on('error', () => watcher?.close());
      } catch (error) {
        log.warn({ failure: toFailure(error) }, 'what comes of updates is told at the next connection');
      }
    },
    stop() {
      stopped = true;
      cancelWait();
      watcher?.close();
    },
  };
}

/** Whether this host takes updates at all. @returns the key they have to be signed with */
async function requireConsent(config: UpdaterParts['config']): Promise<string> {
  if (config.policy.update === 'deny') throw updatesDenied();
  if (config.updatesDir === undefined) {
    throw nothingHere();
  }
  const key = await loadReleaseKey(config.releaseKeyFile);
  if (key !== undefined) return key;
  throw notPossible(
    'The agent’s host has no release key pinned, so that nobody’s builds are trusted there.',
    'Sign the build, then run install.sh on the host once: it pins the key.',
  );
}

/** Why this agent cannot be replaced from afar. @param around the container it runs in; null: none */
export function nothingHere(around: Surroundings | null = surroundings() ?? null): FailureError {
  if (around) {
    return notPossible(
      'The agent runs in a container, whose image holds its program: nothing in it can put a new build in place.',
      'Build the newer image, and make the container anew from it with the same volume: docs/containers.md.',
    );
  }
  return notPossible(
    'Nothing on the agent’s host can put a new build in place: it does not run as the service of install.sh.',
    'Update it on its host, in the way it was installed.',
  );
}

/** The refusal of an update where the local policy has `update = "deny"`. */
export function updatesDenied(): FailureError {
  return fail(
    'policy_denied',
    'The agent’s local policy forbids this: updates are denied.',
    'Whoever runs the agent’s host can change “update” under [policy] in its configuration file.',
  );
}

function outcomeOf(to: string, failure: Failure): UpdateOutcome {
  return { from: HOMEPORT_VERSION, to, at: new Date().toISOString(), result: 'refused', failure };
}

function underWay(version: string): FailureError {
  return fail('conflict', `The agent is being updated to ${version}.`, 'Wait for it to end.');
}

function notTaken(): FailureError {
  return notPossible(
    'The new build was fetched and checked, but nothing on the agent’s host put it in place.',
    'Look there: systemctl status homeport-agent-update.path homeport-agent-update.service',
  );
}
