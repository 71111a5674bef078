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

  /**
   * Gives the views what they lack; to be called when the dump is through. MariaDB remembers of a view whether it can
   * be written to, as it was when the view was made: so views that read others of these come after them.
   */
  async finish(explained: (error: unknown, command: Command) => unknown): Promise<void> {
    for (let left = this.#postponed; left.length > 0; ) {
      const again: Postponed[] = [];
      for (const view of left) {
        try {
          await this.#make(view);
        } catch (error) {
          if (numberOf(error) !== NOT_UPDATABLE) throw explained(error, view.command);
          again.push(view);
          if (again.length === left.length) throw explained(error, view.command);
        }
      }
      left = again;
    }
  }

  async #make({ sql, client, collation }: Postponed): Promise<void> {
    await this.#session.run(
      `SET SESSION character_set_client = ${client}, collation_connection = ${collation}`,
    );
    await this.#session.run(sql);
  }
}

function numberOf(error: unknown): number | undefined {
  return error instanceof FailureError ? (error.cause as { errno?: number } | undefined)?.errno : undefined;
}
