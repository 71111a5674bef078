import type { Endpoint, EngineDriver, ServerTarget } from '../../agent/engines/driver.ts';
import type { EngineDescriptor } from '../../protocol/engines/engine.ts';

/** A real server under test, as the contract needs it. */
export interface EngineUnderTest extends AsyncDisposable {
  driver: EngineDriver;
  server: ServerTarget;
  /** Where the server listens. */
  endpoints: Endpoint[];
  /** A database with data; the contract backs it up and restores it elsewhere. */
  sample: string;
  /** Names of databases that exist now. */
  databases(): Promise<string[]>;
  /** What a database holds, taken by SQL of the test's own: equal databases give equal answers. */
  contents(database: string): Promise<Record<string, string>>;
  /** Changes some rows of a database, also of {@link leaveOut}'s table. */
  change(database: string): Promise<void>;
  /** Makes the objects of {@link stray} in a database. */
  clutter(database: string): Promise<void>;
  /** Names of objects that no snapshot holds. */
  stray: string[];
  /** A table of the sample whose rows a backup can do without. */
  leaveOut: {
    /** As a selection's pattern has it, and as a snapshot's requirements do. */
    pattern: string;
    /** Its key in {@link contents}. */
    key: string;
    /** Its key's value when it has no rows. */
    empty: string;
    /** A pattern for a table that tables which are kept refer to. */
    referenced: string;
  };
}

/** What can be tested, and how to get it. `setup` starts a real server; it is called once. */
export interface EngineSubject {
  name: string;
  descriptor: EngineDescriptor;
  /** What a restore in place that fails leaves: the target as it was, or a failure that says what it is now. */
  failedInPlace: 'as before' | 'says so';
  setup(): Promise<EngineUnderTest>;
}
