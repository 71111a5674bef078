/** Remembers the last so many names that it was told. */
export function createMemory(most: number) {
  const names = new Set<string>();
  return {
    add(name: string): void {
      names.delete(name);
      names.add(name);
      for (const oldest of names) {
        if (names.size <= most) break;
        names.delete(oldest);
      }
    },
    has: (name: string): boolean => names.has(name),
    delete: (name: string): boolean => names.delete(name),
    clear: (): void => names.clear(),
  };
}
