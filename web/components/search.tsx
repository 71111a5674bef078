import { Search } from 'lucide-react';

interface SearchProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
}

/** The page's search field; `/` puts the cursor in it (app/shortcuts.ts). */
export function SearchField({ label, value, onChange }: SearchProps) {
  return (
    <div className="relative w-full sm:w-80">
      <Search aria-hidden size={15} className="absolute top-1/2 left-2.5 -translate-y-1/2 text-ink-3" />
      <input
        type="search"
        data-search
        aria-label={label}
        aria-keyshortcuts="/"
        placeholder={`${label}…`}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => event.key === 'Escape' && onChange('')}
        className="control pl-8 pr-8"
      />
      {!value && (
        <kbd
          aria-hidden
          className="absolute top-1/2 right-2.5 grid h-5 -translate-y-1/2 place-items-center rounded border border-line bg-raised px-1.5 font-sans text-xs text-ink-3"
        >
          /
        </kbd>
      )}
    </div>
  );
}

/** Whether every word of the search occurs in one of the texts. */
export function matches(search: string, texts: (string | null | undefined)[]): boolean {
  const haystack = texts.filter(Boolean).join('\n').toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => haystack.includes(word));
}
