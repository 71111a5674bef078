import { Tabs } from 'radix-ui';
import { useState } from 'react';
import { fillRecipe, generatePassword } from '../api/recipe.ts';
import type { AccountRecipe, EngineDescriptor } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { CodeBlock } from '../components/copy.tsx';
import { TextField } from '../components/field.tsx';
import { Card } from '../components/layout.tsx';

interface AccountHelpProps {
  engine: EngineDescriptor;
  values: Record<string, string>;
  onPassword: (name: string, value: string) => void;
}

/** The statements that create the account, with what was typed filled in. */
export function AccountHelp({ engine, values, onPassword }: AccountHelpProps) {
  const [database, setDatabase] = useState('');
  const secret = engine.fields.find(({ kind }) => kind === 'secret');
  const password = secret ? (values[secret.name] ?? '') : '';
  const userField = engine.fields.find(({ name }) => name === 'user');
  const account = {
    user: values.user || userField?.placeholder || 'homeport',
    database: database || 'your_database',
  };
  const sql = (recipe: AccountRecipe, shown: string) =>
    fillRecipe(recipe, { ...account, password: shown }, engine);
  return (
    <Card
      title="No account for Homeport yet?"
      actions={
        secret &&
        !password && (
          <Button size="small" onClick={() => onPassword(secret.name, generatePassword())}>
            Generate a password
          </Button>
        )
      }
    >
      <Tabs.Root
        // Another engine has other accounts; none of them would be chosen.
        key={engine.id}
        defaultValue={engine.accounts[0]?.id ?? ''}
      >
        <Tabs.List aria-label="Kinds of account" className="mb-3 flex flex-wrap gap-1.5">
          {engine.accounts.map((recipe) => (
            <Tabs.Trigger
              key={recipe.id}
              value={recipe.id}
              className="rounded-control border border-line px-2.5 py-1 text-sm text-ink-2 hover:bg-raised data-[state=active]:border-accent data-[state=active]:bg-accent-soft data-[state=active]:font-medium data-[state=active]:text-accent"
            >
              {recipe.platform} · {recipe.label}
            </Tabs.Trigger>
          ))}
        </Tabs.List>
        {engine.accounts.map((recipe) => (
          <Tabs.Content key={recipe.id} value={recipe.id} className="grid gap-3 rounded-control">
            <p className="text-ink-2">{recipe.note}</p>
            {recipe.scope === 'single' && (
              <TextField
                label="Database"
                autoComplete="off"
                spellCheck={false}
                placeholder="your_database"
                value={database}
                onChange={setDatabase}
              />
            )}
            <CodeBlock
              label={`SQL: ${recipe.label}`}
              text={sql(recipe, password || 'choose a password')}
              shown={sql(recipe, password ? '••••••••' : 'choose a password')}
            />
          </Tabs.Content>
        ))}
      </Tabs.Root>
      <p className="mt-3 text-sm text-ink-3">
        Run it on the server as an administrator. The copied text has the password you typed above.
      </p>
    </Card>
  );
}
