import { Check, Copy } from 'lucide-react';
import { useEffect, useState } from 'react';
import { Button } from './button.tsx';

async function toClipboard(text: string): Promise<void> {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  // Without HTTPS there is no clipboard API: select the text in a field nobody sees.
  const field = document.createElement('textarea');
  field.value = text;
  field.className = 'sr-only';
  (document.querySelector('dialog[open]') ?? document.body).append(field);
  field.select();
  document.execCommand('copy');
  field.remove();
}

/** Copies `text` and says so. */
export function CopyButton({ text, label = 'Copy' }: { text: string; label?: string }) {
  const [state, setState] = useState<'idle' | 'copied' | 'refused'>('idle');
  useEffect(() => {
    if (state === 'idle') return;
    const timer = setTimeout(() => setState('idle'), 2000);
    return () => clearTimeout(timer);
  }, [state]);
  const copy = () =>
    toClipboard(text).then(
      () => setState('copied'),
      () => setState('refused'),
    );
  return (
    <Button size="small" onClick={copy}>
      {state === 'copied' ? <Check aria-hidden size={14} /> : <Copy aria-hidden size={14} />}
      <span aria-live="polite">
        {state === 'copied' ? 'Copied' : state === 'refused' ? 'Select and copy by hand' : label}
      </span>
    </Button>
  );
}

/** Text to paste elsewhere (SQL, a command), with its copy button; `shown` is what eyes may see of it. */
export function CodeBlock({ text, label, shown }: { text: string; label: string; shown?: string }) {
  return (
    <div className="relative rounded-control border border-line bg-raised">
      <div className="absolute top-1.5 right-1.5">
        <CopyButton text={text} />
      </div>
      <section
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
        tabIndex={0}
        aria-label={label}
        className="max-h-80 overflow-auto rounded-control"
      >
        <pre className="py-2.5 pr-24 pl-3 font-mono text-sm whitespace-pre-wrap">{shown ?? text}</pre>
      </section>
    </div>
  );
}
