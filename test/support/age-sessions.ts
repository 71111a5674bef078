/** Makes every session one that was signed in to eleven minutes ago: longer than a sign-in is fresh. */
export function ageSessions(database: { exec(sql: string): unknown }): void {
  database.exec(`UPDATE session SET createdAt = createdAt - ${11 * 60_000}`);
}
