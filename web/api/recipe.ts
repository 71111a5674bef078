import type { AccountRecipe, EngineDescriptor } from './types.ts';

interface Account {
  user: string;
  password: string;
  database: string;
}

type Quoting = Pick<EngineDescriptor, 'identifierQuote' | 'backslashEscapes'>;

/** The recipe's statements for one account, names and password quoted as SQL wants them. */
export function fillRecipe(recipe: AccountRecipe, account: Account, quoting: Quoting): string {
  const { backslashEscapes, identifierQuote } = quoting;
  const name = (text: string) =>
    identifierQuote + text.replaceAll(identifierQuote, identifierQuote.repeat(2)) + identifierQuote;
  const password = backslashEscapes ? account.password.replaceAll('\\', '\\\\') : account.password;
  const values: Record<string, string> = {
    user: name(account.user),
    database: name(account.database),
    databasePattern: name(account.database.replaceAll(/[_%\\]/g, '\\$&')),
    password: password.replaceAll("'", "''"),
  };
  return recipe.sql.replaceAll(/\{(\w+)\}/g, (placeholder, key: string) => values[key] ?? placeholder);
}

const LETTERS = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';
const LENGTH = 28;

/** A password no one has to type or can mistake a letter of; more than 150 bits. */
export function generatePassword(): string {
  let password = '';
  while (password.length < LENGTH) {
    const [byte] = crypto.getRandomValues(new Uint8Array(1));
    // Bytes beyond a whole multiple would make the first letters likelier.
    if (byte !== undefined && byte < 256 - (256 % LETTERS.length)) password += LETTERS[byte % LETTERS.length];
  }
  return password;
}
