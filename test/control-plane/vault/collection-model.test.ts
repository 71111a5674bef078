import { expect, test } from 'vitest';
import type { PackState } from '../../../control-plane/db/condemned-packs.ts';
import { isUsable, planPacks, removable } from '../../../control-plane/vault/collection/plan.ts';

/** Everything there is, of one server and one chunk: whoever needs it needs any pack that has it. */
interface State {
  packs: PackState[];
  /** Committed snapshots. */
  snapshots: string[];
  /** Jobs that have not ended, and when they began. */
  open: ReadonlyMap<string, number>;
  /** By job that commits: the pack it found. */
  located: ReadonlyMap<string, number>;
  now: number;
}

type Step = (state: State) => State;

const begin =
  (job: string): Step =>
  (state) => ({ ...state, open: new Map([...state.open, [job, state.now]]) });

/** Asks whether the chunk is missing, and uploads it if so. */
const ask =
  (job: string): Step =>
  (state) => {
    if (!state.open.has(job)) return state;
    if (state.packs.some(({ waitsFor }) => waitsFor === null)) return state;
    const id = Math.max(0, ...state.packs.map((pack) => pack.id)) + 1;
    const pack = { id, sha256: String(id), length: 1, createdAt: state.now, waitsFor: null };
    return { ...state, packs: [...state.packs, pack] };
  };

/** The first half of a commit: everything it needs is looked for. A backup that was told the truth finds it. */
const locate =
  (job: string, isHonest = true): Step =>
  (state) => {
    if (!state.open.has(job)) return state;
    const used = state.packs.findLast((pack) => isUsable(pack, job));
    if (isHonest) expect(used, `${job} was told that the chunk is there`).toBeDefined();
    return used ? { ...state, located: new Map([...state.located, [job, used.id]]) } : state;
  };

/** The second half, after the manifest was written: what was found is still there. */
const record =
  (job: string): Step =>
  (state) => {
    const id = state.located.get(job);
    if (!state.open.has(job) || id === undefined) return state;
    expect(state.packs.map((pack) => pack.id)).toContain(id);
    const packs = state.packs.map((pack) => (pack.id === id ? { ...pack, waitsFor: null } : pack));
    return { ...state, packs, snapshots: [...state.snapshots, job] };
  };

const end =
  (job: string): Step =>
  (state) => ({ ...state, open: new Map([...state.open].filter(([id]) => id !== job)) });

const forget =
  (snapshot: string): Step =>
  (state) => ({ ...state, snapshots: state.snapshots.filter((id) => id !== snapshot) });

/** What a restore would read: the newest copy, as `locate` finds it. */
const live = ({ packs, snapshots }: State) =>
  new Set(snapshots.length > 0 ? packs.slice(-1).map(({ id }) => id) : []);

const judge: Step = (state) => {
  const uploadedBefore = Math.min(state.now, ...state.open.values());
  const { condemn, spare } = planPacks({ packs: state.packs, live: live(state), uploadedBefore });
  const packs = state.packs.map((pack) => {
    if (spare.includes(pack.id)) return { ...pack, waitsFor: null };
    return condemn.includes(pack.id) ? { ...pack, waitsFor: [...state.open.keys()] } : pack;
  });
  return { ...state, packs };
};

const sweep: Step = (state) => {
  const gone = removable(state.packs, (id) => state.open.has(id));
  return { ...state, packs: state.packs.filter((pack) => !gone.includes(pack)) };
};

/** Clocks may go back, and by a lot. */
const setBack: Step = (state) => ({ ...state, now: state.now - 1000 });

/** Takes the steps of all actors in every order that keeps each actor's own. */
function everyOrder(state: State, actors: readonly (readonly Step[])[]): number {
  let ends = 0;
  actors.forEach(([step, ...rest], at) => {
    if (!step) return;
    const next = step({ ...state, now: state.now + 1 });
    if (next.snapshots.length > 0) expect(next.packs).not.toEqual([]);
    ends += everyOrder(next, actors.with(at, rest));
  });
  return ends || 1;
}

const START: State = {
  packs: [{ id: 1, sha256: '1', length: 1, createdAt: 0, waitsFor: null }],
  snapshots: ['old'],
  open: new Map(),
  located: new Map(),
  now: 10,
};
const backup = (job: string): Step[] => [begin(job), ask(job), locate(job), record(job), end(job)];

test('in whatever order things happen, no snapshot loses what it needs and no backup is told wrong', () => {
  expect(everyOrder(START, [backup('a'), [forget('old')], [judge, sweep, judge, sweep]])).toBe(1260);
  const second = [begin('b'), ask('b'), locate('b'), record('b')];
  expect(everyOrder(START, [backup('a'), second, [forget('old')], [judge, sweep]])).toBe(83_160);
});

test('nor where backups die, are tried again, and clocks are set back', () => {
  const dying = [begin('a'), ask('a'), end('a'), begin('b'), ask('b'), locate('b'), record('b')];
  expect(everyOrder(START, [dying, [forget('old'), setBack], [judge, sweep, judge]])).toBe(7920);
});

test('nor where an agent claims what it was never told', () => {
  const liar = [begin('a'), locate('a', false), record('a')];
  expect(everyOrder(START, [liar, [forget('old')], [judge, sweep, judge, sweep]])).toBe(280);
});

test('what is needed all the same is spared', () => {
  const packs = [{ id: 1, sha256: '1', length: 1, createdAt: 0, waitsFor: ['gone'] }];
  expect(planPacks({ packs, live: new Set([1]), uploadedBefore: 9 })).toEqual({ condemn: [], spare: [1] });
});
