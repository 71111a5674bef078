/**
 * What a server says in the languages PostgreSQL is translated to. Our sessions go by SQLSTATE, and a superuser’s tools
 * ask for English; any other account gets the server’s `lc_messages` from pg_dump and pg_restore, which print no code.
 */
export const REFUSED_PRIVILEGE =
  /permission denied|must be owner|must be superuser|must be member of role|row-level security|keine Berechtigung|Berechtigung nur für Eigentümer|permiso denegado|debe ser dueño|droit refusé|doit être le propriétaire|permesso negato|bisogna essere proprietari|へのアクセスが拒否されました|所有者である必要があります|접근 권한 없음|소유주여야만|нет доступа к|нужно быть владельцем|rättighet saknas|måste vara ägaren|немає дозволу|треба бути власником|权限不足|的所有者|權限不足|的擁有者/;

export const OUT_OF_SPACE =
  /No space left on device|could not extend file|konnte Datei .* nicht erweitern|no se pudo extender el archivo|n'a pas pu étendre le fichier|non è stato possibile estendere il file|を拡張できませんでした|파일을 확장할 수 없음|не удалось увеличить файл|kunde inte utöka fil|не вдалося розширити файл|无法扩展文件|無法擴充檔案/;

export const LOCKED =
  /lock timeout|deadlock detected|Zeitüberschreitung einer Sperre|\(Deadlock\) entdeckt|espera de candados|detectado un deadlock|l'obtention des verrous|\(deadlock\) détecté|timeout di lock|rilevato deadlock|ロックのタイムアウト|デッドロックを検出|잠금 대기 시간 초과|deadlock 발생|тайм-аута блокировки|взаимоблокировка|lås-timeout|deadlock upptäckt|тайм-аут блокування|взаємне блокування|锁超时|死锁|鎖定逾時|死結/;
