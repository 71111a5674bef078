import type { TocEntry } from './archive-toc.ts';
import { type ArchiveName, asJson, doomedSql, KEYWORD, NAME, type TableName } from './drops.ts';
import { quoteLiteral } from './quote.ts';

/** How long the restore waits for one lock: the tables it has locked already are closed to everybody meanwhile. */
const LOCK_WAIT = '10s';
/** Pages of our own SQL in a failure's detail would help nobody. */
const OUR_STATEMENT = /Command was: DO LANGUAGE plpgsql [\s\S]*END';/;

/** What pg_restore said, without the text of the clean-up. */
export const withoutCleanUp = (stderr: string) =>
  stderr.replace(OUR_STATEMENT, 'Command was: what empties the database');

export interface CleanUp {
  /** Tables that stay as they are, with what they are made of. */
  kept: readonly TableName[];
  /** What was found to stay, so that the archive's entries for it are passed over. */
  standing: readonly ArchiveName[];
  /** Extensions of the snapshot: rows of their configuration tables come with it. */
  extensions: readonly string[];
  /** Whether the archive's grants are restored, default privileges among them. */
  grants: boolean;
  /** Whether the archive puts something into the schema `public`. */
  usesPublic: boolean;
}

/**
 * SQL that empties a database, for the beginning of a restore's transaction. It looks at the catalogue when it runs,
 * so that nothing which came meanwhile is left in the way, and fails rather than touch a table that has to stay.
 * pg_restore prints a statement that fails, after the error; so all that may be long goes in by settings before it.
 */
export function cleanUpSql(input: CleanUp, entries: readonly TocEntry[]): string[] {
  const keys = input.kept.length === 0 ? [] : entries.filter((entry) => entry.desc === 'FK CONSTRAINT');
  const tags = keys.map((entry) => ({ schema: entry.namespace, tag: entry.tag }));
  const set = (name: string, value: string) =>
    `SELECT pg_catalog.set_config('homeport.${name}', ${quoteLiteral(value)}, true);`;
  return [
    set('look', `WITH RECURSIVE ${doomedSql(asJson(input.kept))}`),
    set('standing', JSON.stringify(input.standing)),
    set('keys', JSON.stringify(tags)),
    set('extensions', JSON.stringify(input.extensions)),
    `DO LANGUAGE plpgsql ${quoteLiteral(block(input))};`,
  ];
}

const DROPS = `
  SELECT (SELECT array_agg('DROP ' || ${KEYWORD} || ' IF EXISTS ' || ${NAME} || ' CASCADE' ORDER BY place, identity) FROM doomed),
    (SELECT coalesce(array_agg(oid), '{}') FROM kept_tables)`;

/** The archive's entries were chosen by an earlier look: what stays must still be that, and nothing more. */
const CHANGED = `,
  expected AS (SELECT * FROM json_to_recordset(current_setting('homeport.standing')::json) AS s(kind text, schema text, tag text))
  SELECT EXISTS ((TABLE standing EXCEPT TABLE expected) UNION ALL (TABLE expected EXCEPT TABLE standing)
    UNION ALL SELECT type, '', identity FROM doomed)`;

/** What must be the same of kept tables before and after: a CASCADE that went further than thought is an error. */
const SHAPE = `SELECT count(*) FROM (
    SELECT 1 FROM pg_attribute WHERE attrelid = ANY (kept) AND NOT attisdropped
    UNION ALL SELECT 1 FROM pg_attrdef WHERE adrelid = ANY (kept) UNION ALL SELECT 1 FROM pg_index WHERE indrelid = ANY (kept)
    UNION ALL SELECT 1 FROM pg_policy WHERE polrelid = ANY (kept) UNION ALL SELECT 1 FROM pg_rewrite WHERE ev_class = ANY (kept)
    UNION ALL SELECT 1 FROM pg_trigger WHERE tgrelid = ANY (kept) AND NOT tgisinternal
    UNION ALL SELECT 1 FROM pg_constraint WHERE conrelid = ANY (kept) AND contype <> 'f'
    UNION ALL SELECT 1 FROM pg_inherits WHERE inhrelid = ANY (kept) UNION ALL SELECT 1 FROM pg_extension) AS parts`;

function block(input: CleanUp): string {
  return `
DECLARE
  look text := current_setting('homeport.look'); changed boolean;
  statement text; statements text[]; kept oid[]; shape bigint; after bigint;
BEGIN
  -- Others see this at once: so the transaction's number is known before it can end.
  PERFORM set_config('application_name', current_setting('application_name') || ' ' || pg_current_xact_id(), false);
  SET LOCAL lock_timeout = '${LOCK_WAIT}';
  EXECUTE look || ${quoteLiteral(DROPS)} INTO statements, kept;
  ${SHAPE} INTO shape;
  FOREACH statement IN ARRAY coalesce(statements, '{}') LOOP EXECUTE statement; END LOOP;
  ${REMADE_KEYS}
  ${SHAPE} INTO after;
  IF shape <> after THEN
    RAISE EXCEPTION 'tables or extensions that stay as they are would lose something they are made of';
  END IF;
  EXECUTE look || ${quoteLiteral(CHANGED)} INTO changed;
  IF changed THEN
    RAISE EXCEPTION 'the database was changed while the restore began';
  END IF;
  PERFORM lo_unlink(oid) FROM pg_largeobject_metadata;
  ${EMPTY_CONFIGURATION}
  ${input.grants ? DEFAULT_PRIVILEGES : ''}
  ${input.usesPublic ? `IF to_regnamespace('public') IS NULL THEN CREATE SCHEMA public; END IF;` : ''}
END`;
}

/** Foreign keys of kept tables that the archive makes again; those to dropped tables are gone already. */
const REMADE_KEYS = `FOR statement IN SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname)
    FROM pg_constraint f JOIN pg_class c ON c.oid = conrelid JOIN pg_namespace n ON n.oid = relnamespace
    JOIN json_to_recordset(current_setting('homeport.keys')::json) AS k(schema text, tag text) ON k.schema = nspname AND k.tag = relname || ' ' || conname
    WHERE contype = 'f' AND conparentid = 0 AND conrelid = ANY (kept) LOOP EXECUTE statement; END LOOP;`;

/** An extension stays; its own rows of configuration tables too, what users put there comes out of the archive. */
const EMPTY_CONFIGURATION = `FOR statement IN SELECT format('DELETE FROM ONLY %s %s', config.table::regclass, config.condition)
    FROM pg_extension e CROSS JOIN LATERAL unnest(e.extconfig, e.extcondition) AS config("table", condition)
    JOIN pg_class c ON c.oid = config.table AND c.relkind = 'r' AND c.oid <> ALL (kept)
    WHERE extname IN (SELECT json_array_elements_text(current_setting('homeport.extensions')::json)) LOOP EXECUTE statement; END LOOP;`;

/**
 * Back to what PostgreSQL has by default, for the roles the account may act for: the archive's statements start there,
 * and the account's own would grant on what is being restored.
 */
const DEFAULT_PRIVILEGES = `FOR statement IN
    SELECT format('ALTER DEFAULT PRIVILEGES FOR ROLE %I%s %s', pg_get_userbyid(defaclrole),
        CASE WHEN nspname IS NULL THEN '' ELSE format(' IN SCHEMA %I', nspname) END, step.action)
      FROM pg_default_acl LEFT JOIN pg_namespace n ON n.oid = defaclnamespace
      CROSS JOIN LATERAL (SELECT CASE defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS'
        WHEN 'T' THEN 'TYPES' WHEN 'n' THEN 'SCHEMAS' ELSE 'LARGE OBJECTS' END AS word) AS w
      CROSS JOIN LATERAL (
        SELECT 1 AS number, format('REVOKE ALL ON %s FROM %s', word, CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END) AS action
          FROM (SELECT DISTINCT grantee FROM aclexplode(defaclacl)) AS g
        UNION ALL SELECT 2, format('GRANT ALL ON %s TO %I', word, pg_get_userbyid(defaclrole)) WHERE defaclnamespace = 0
        UNION ALL SELECT 3, format('GRANT ALL ON %s TO PUBLIC', word) WHERE defaclnamespace = 0 AND defaclobjtype IN ('f', 'T')) AS step
      WHERE pg_has_role(defaclrole, 'USAGE') ORDER BY pg_default_acl.oid, step.number
    LOOP EXECUTE statement; END LOOP;`;
