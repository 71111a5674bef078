/** Engines whose rows live in other tables, files or servers: the tools dump their definitions alone. */
const ELSEWHERE = /^(?:merge|mrg_myisam|mrg_isam|connect|oqgraph|spider|vp|federated|sphinx)$/i;

/** Whether a table's rows are not its own, so that no dump holds them. */
export const elsewhere = (engine: string | null) => ELSEWHERE.test(engine ?? '');

/** Engines whose tables belong to a dump's transaction. */
const TRANSACTIONAL = /^(?:innodb|ndbcluster|rocksdb|tokudb)$/i;

/** Whether a table's rows are read at one moment with those of others. */
export const isTransactional = (engine: string | null) => TRANSACTIONAL.test(engine ?? '');
