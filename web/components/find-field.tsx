import { TextField } from './field.tsx';
import type { Found } from './use-found.ts';

/** The search above a choice among more than it shows; nothing where it shows all. */
export function FindField<T>({ found, label }: { found: Found<T>; label: string }) {
  if (!found.more) return null;
  const help =
    found.hits.length === 0 ? 'Nothing has that name.' : 'The list below shows the first that match.';
  return (
    <TextField
      label={label}
      type="search"
      autoComplete="off"
      help={help}
      value={found.search}
      onChange={found.onSearch}
    />
  );
}
