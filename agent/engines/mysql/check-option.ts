import { FailureError } from '../../../protocol/failure.ts';
import type { Session } from './connect.ts';
import type { Command } from './rewrite-statement.ts';

/** “CHECK OPTION on non-updatable view”. */
const NOT_UPDATABLE = 1368;
const CLAUSE = /\s+WITH\s+(?:CASCADED\s+|LOCAL\s+)?CHECK\s+OPTION\s*$/i;

/** A view that still lacks its CHECK OPTION, with what its text is read by. */
interface Postponed {
  sql: string;
  command: Command;
  client: string;
  collation: string;
}

/**
 * Makes views `WITH CHECK OPTION` whose base is still a stand-in. The dump tools write views by their names, and the
 * server lets none have that option before what it reads can be written to: such a dump fails in stock clients. Here
 * the view is made without it, and again with it once all of them are there.
 */
export class CheckOptions {
  readonly #session: Session;
  readonly #postponed: Postponed[] = [];

  constructor(session: Session) {
    this.#session = session;
  }

  /** Runs a command; a view that cannot have its CHECK OPTION yet is made without. */
  async run(command: Command): Promise<void> {
    try {
      await this.#session.run(command.sql);
    } catch (error) {
      if (command.creates?.what !== 'view' || numberOf(error) !== NOT_UPDATABLE || !CLAUSE.test(command.sql))
        throw error;
      const [row] = await this.#session.rows<{ client: string; collation: string }>(
        'SELECT @@SESSION.character_set_client AS client, @@SESSION.collation_connection AS collation',
      );
      await this.#session.run(command.sql.replace(CLAUSE, ''));
      const sql = command.sql.replace(/^\s*CREATE\s+(?:OR\s+REPLACE\s+)?/i, 'CREATE OR REPLACE ');
      this.#postponed.push({ sql, command, client: row?.client ?? '', collation: row?.collation ?? '' });
    }
  }

  /** Views without what they lack, each with what gives it to them: for when the dump is through. */
  get postponed(): { command: Command; run: () => Promise<void> }[] {
    return this.#postponed.map(({ sql, command, client, collation }) => ({
      command,
      run: async () => {
        const settings = `character_set_client = ${client}, collation_connection = ${collation}`;
        await this.#session.run(`SET SESSION ${settings}`);
        await this.#session.run(sql);
      },
    }));
  }
}

function numberOf(error: unknown): number | undefined {
  return error instanceof FailureError ? (error.cause as { errno?: number } | undefined)?.errno : undefined;
}
