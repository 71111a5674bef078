import { quoteLiteral } from './quote.ts';

/** A table by its two names. */
export interface TableName {
  schema: string;
  name: string;
}

/** What an entry of an archive makes, as the entry names it; `kind` in pg_dump's words. */
export interface ArchiveName {
  kind: string;
  schema: string;
  tag: string;
}

const kinds = (catalogue: string, columns: string, condition?: string) =>
  `SELECT '${catalogue}'::regclass${catalogue === 'pg_event_trigger' ? '::oid' : ''}, oid, ${columns} FROM ${catalogue}${condition ? ` WHERE ${condition}` : ''}`;
/** An owned sequence goes with its table, and cannot be given to anybody by itself. */
const notOwnedSequence = `NOT (relkind = 'S' AND EXISTS (SELECT 1 FROM pg_depend x
  WHERE x.classid = 'pg_class'::regclass AND x.objid = pg_class.oid AND x.deptype = 'a' AND x.refclassid = 'pg_class'::regclass))`;
const typeOwner = (type: string) => `(SELECT typowner FROM pg_type WHERE pg_type.oid = ${type})`;

/** What there is in a database: class, object, schema, owner, place in the order of drops. */
const OBJECTS = [
  kinds('pg_event_trigger', '0::oid, evtowner, 1'),
  kinds('pg_publication', '0, pubowner, 2'),
  kinds('pg_class', 'relnamespace, relowner, 3', `relkind IN ('v', 'm')`),
  kinds(
    'pg_class',
    'relnamespace, relowner, 4',
    `relkind IN ('r', 'p', 'f', 'S') AND relpersistence <> 't' AND ${notOwnedSequence}`,
  ),
  kinds('pg_proc', 'pronamespace, proowner, 5'),
  kinds(
    'pg_type',
    'typnamespace, typowner, 6',
    `(typrelid = 0 OR EXISTS (SELECT 1 FROM pg_class c WHERE c.oid = typrelid AND c.relkind = 'c'))`,
  ),
  kinds('pg_operator', 'oprnamespace, oprowner, 7'),
  kinds('pg_opclass', 'opcnamespace, opcowner, 7'),
  kinds('pg_opfamily', 'opfnamespace, opfowner, 8'),
  kinds('pg_collation', 'collnamespace, collowner, 8'),
  kinds('pg_conversion', 'connamespace, conowner, 8'),
  kinds('pg_statistic_ext', 'stxnamespace, stxowner, 3'),
  kinds('pg_ts_config', 'cfgnamespace, cfgowner, 8'),
  kinds('pg_ts_dict', 'dictnamespace, dictowner, 9'),
  kinds('pg_ts_parser', 'prsnamespace, 10, 9'),
  kinds('pg_ts_template', 'tmplnamespace, 10, 9'),
  kinds('pg_cast', `0, ${typeOwner('CASE WHEN castsource >= 16384 THEN castsource ELSE casttarget END')}, 5`),
  kinds('pg_transform', `0, ${typeOwner('trftype')}, 5`),
  kinds('pg_foreign_server', '0, srvowner, 10'),
  kinds('pg_foreign_data_wrapper', '0, fdwowner, 11'),
  kinds('pg_language', '0, lanowner, 12'),
  kinds('pg_am', '0, 10, 12'),
  kinds('pg_namespace', '0, nspowner, 13', `nspname !~ '^pg_' AND nspname <> 'information_schema'`),
].join('\nUNION ALL ');

/** What a foreign key is made of binds nothing: it is dropped with the table it points to, and made again by the archive. */
const FREE = `x.class IN ('pg_publication_rel'::regclass, 'pg_default_acl'::regclass, 'pg_extension'::regclass)
  OR (x.class = 'pg_constraint'::regclass AND EXISTS (SELECT 1 FROM pg_constraint f WHERE f.oid = x.object AND f.contype = 'f'))
  OR (x.class = 'pg_trigger'::regclass AND EXISTS (SELECT 1 FROM pg_trigger g WHERE g.oid = x.object AND g.tgisinternal))`;

/** What can stay since an archive's entry names it beyond doubt: operators and their classes go by one name with others. */
const NAMED = `  SELECT 'pg_class'::regclass::oid, oid, relnamespace, relname, 'TABLE' FROM kept_tables JOIN pg_class USING (oid, relnamespace)
  UNION ALL SELECT 'pg_class'::regclass, oid, relnamespace, relname, 'SEQUENCE' FROM pg_class WHERE relkind = 'S'
  UNION ALL SELECT 'pg_type'::regclass, oid, typnamespace, typname, CASE typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END FROM pg_type
  UNION ALL SELECT 'pg_proc'::regclass, oid, pronamespace,
    proname || '(' || CASE WHEN prokind = 'a' AND pronargs = 0 THEN '*' ELSE array_to_string(ARRAY(SELECT format_type(a, NULL) FROM unnest(proargtypes) a), ', ') END || ')',
    CASE prokind WHEN 'p' THEN 'PROCEDURE' WHEN 'a' THEN 'AGGREGATE' ELSE 'FUNCTION' END FROM pg_proc
  UNION ALL SELECT 'pg_collation'::regclass, oid, collnamespace, collname, 'COLLATION' FROM pg_collation
  UNION ALL SELECT 'pg_statistic_ext'::regclass, oid, stxnamespace, stxname, 'STATISTICS' FROM pg_statistic_ext
  UNION ALL SELECT 'pg_ts_config'::regclass, oid, cfgnamespace, cfgname, 'TEXT SEARCH CONFIGURATION' FROM pg_ts_config
  UNION ALL SELECT 'pg_ts_dict'::regclass, oid, dictnamespace, dictname, 'TEXT SEARCH DICTIONARY' FROM pg_ts_dict`;

/**
 * Common table expressions, for behind `WITH RECURSIVE`: `kept_tables` (tables that stay as they are), `kept` (those,
 * all that belongs to them and all they are made of), `kept_schemas`, `doomed` (what an in-place restore drops),
 * `standing` (what stays, as the archive's entries name it) and `tangled` (what would have to stay, but can be told
 * from its like by no entry).
 * @param tables an SQL literal, from {@link asJson}
 */
export function doomedSql(tables: string): string {
  return `kept_tables AS (
  SELECT c.oid, c.relnamespace FROM json_to_recordset(${tables}::json) AS k(schema text, name text)
    JOIN pg_namespace n ON n.nspname = k.schema JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = k.name AND c.relkind IN ('r', 'p')),
kept(class, object) AS (
  SELECT 'pg_class'::regclass::oid, oid FROM kept_tables
  UNION SELECT x.class, x.object FROM kept k CROSS JOIN LATERAL (
    SELECT classid AS class, objid AS object FROM pg_depend d
      WHERE refclassid = k.class AND refobjid = k.object AND deptype IN ('a', 'i', 'P', 'S')
    UNION ALL SELECT refclassid, refobjid FROM pg_depend d
      WHERE classid = k.class AND objid = k.object AND deptype IN ('n', 'a', 'i', 'P', 'S') AND refobjid >= 16384) AS x
  WHERE NOT (${FREE})),
made(class, object, schema, owner, place) AS (
${OBJECTS}),
objects AS (
  SELECT * FROM made m WHERE object >= 16384
    AND NOT EXISTS (SELECT 1 FROM pg_namespace n WHERE n.oid = m.schema AND (n.nspname ~ '^pg_' OR n.nspname = 'information_schema'))
    AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = m.class AND x.objid = m.object AND x.objsubid = 0 AND x.deptype IN ('e', 'i'))),
kept_schemas AS (
  SELECT oid, nspname, nspowner, pg_has_role(nspowner, 'USAGE') AS owned FROM pg_namespace n
  WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' AND (nspname = 'public'
    OR NOT pg_has_role(nspowner, 'USAGE') OR NOT has_database_privilege(current_database(), 'CREATE')
    OR EXISTS (SELECT 1 FROM pg_extension e WHERE e.extnamespace = n.oid)
    OR EXISTS (SELECT 1 FROM kept k WHERE k.class = 'pg_namespace'::regclass AND k.object = n.oid)
    OR EXISTS (SELECT 1 FROM pg_depend d JOIN pg_depend x ON x.classid = d.classid AND x.objid = d.objid AND x.deptype = 'e'
      WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = n.oid))),
doomed AS (
  SELECT o.*, i.type, i.identity FROM objects o CROSS JOIN LATERAL pg_identify_object(o.class, o.object, 0) AS i
  WHERE NOT EXISTS (SELECT 1 FROM kept k WHERE k.class = o.class AND k.object = o.object)
    AND NOT (o.class = 'pg_namespace'::regclass AND EXISTS (SELECT 1 FROM kept_schemas s WHERE s.oid = o.object))),
named(class, object, schema, tag, kind) AS (
${NAMED}),
standing AS (
  SELECT kind, nspname::text AS schema, tag::text FROM kept JOIN named USING (class, object) JOIN pg_namespace n ON n.oid = schema
  UNION ALL SELECT 'SCHEMA', '', nspname FROM kept_schemas
  UNION ALL SELECT 'EXTENSION', '', extname FROM pg_extension),
tangled AS (
  SELECT i.identity FROM kept JOIN objects o USING (class, object) CROSS JOIN LATERAL pg_identify_object(class, object, 0) AS i
  WHERE class <> 'pg_namespace'::regclass AND NOT EXISTS (SELECT 1 FROM named n WHERE n.class = o.class AND n.object = o.object))`;
}

/** Tables as the literal that {@link doomedSql} reads. */
export const asJson = (tables: readonly TableName[]) => quoteLiteral(JSON.stringify(tables));

/** Keyword and name of an object as DROP and ALTER take them; `type` and `identity` as pg_identify_object gives them. */
export const KEYWORD = `CASE WHEN type = 'statistics object' THEN 'STATISTICS' WHEN type = 'foreign-data wrapper' THEN 'FOREIGN DATA WRAPPER'
  WHEN type IN ('function', 'procedure', 'aggregate') THEN 'ROUTINE' ELSE upper(type) END`;
export const NAME = `CASE WHEN type = 'transform' THEN replace(identity, ' on language ', ' LANGUAGE ') ELSE identity END`;
