import { afterAll, beforeAll, expect } from 'vitest';
import { createApp } from '../../control-plane/app.ts';
import { openapiDocument } from '../../control-plane/openapi/document.ts';
import { type Answers, recordAnswers } from './answers.ts';
import { type ApiDocument, documentChecker } from './document-checker.ts';

/**
 * Holds every answer that the tests of a file get to the document of the API, and checks that the named routes were
 * answered with a success.
 */
export function holdAnswersToDocument(routes: readonly string[]): void {
  let answers: Answers;
  beforeAll(() => {
    answers = recordAnswers();
  });
  afterAll(async () => {
    answers[Symbol.dispose]();
    await answers.settled();
    const { answered, complaints } = documentChecker(documentOfCode());
    expect([...new Set(answers.all.flatMap(complaints))]).toEqual([]);
    expect([...answered(answers.all)]).toEqual(expect.arrayContaining([...routes]));
  });
}

/** The document as this checkout makes it; nothing is called, so nothing is needed behind the routes. */
export function documentOfCode(): ApiDocument {
  const nothing = { url: '', origins: [], webRoot: '' } as unknown as Parameters<typeof createApp>[0];
  return JSON.parse(JSON.stringify(openapiDocument('', createApp(nothing).routes))) as ApiDocument;
}
