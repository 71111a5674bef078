import type { AccountRecipe } from './types.ts';

interface Account {
  user: string;
  password: string;
  database: string;
}

/** The recipe's statements for one account, names and password quoted as SQL wants them. */
export function fillRecipe(recipe: AccountRecipe, account: Account, identifierQuote: string): string {
  const name = (text: string) =>
    identifierQuote + text.replaceAll(identifierQuote, identifierQuote.repeat(2)) + identifierQuote;
  const values: Record<string, string> = {
    user: name(account.user),
    database: name(account.database),
    password: account.password.replaceAll("'", "''"),
  };
  return recipe.sql.replaceAll(/\{(user|password|database)\}/g, (_, key: string) => values[key] ?? '');
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
