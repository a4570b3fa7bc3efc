/**
 * Turns a call that reports items by callback into an async generator, which returns the call's result.
 * An error of the call is thrown after the items that came before it.
 */
export async function* callbackStream<Item, Result>(
  start: (push: (item: Item) => void) => Promise<Result>,
): AsyncGenerator<Item, Result, void> {
  const items: Item[] = [];
  let done = false;
  let wake = (): void => {};
  const finish = (): void => {
    done = true;
    wake();
  };
  const result = start((item) => {
    items.push(item);
    wake();
  });
  result.then(finish, finish);
  for (;;) {
    for (let item = items.shift(); item !== undefined; item = items.shift()) yield item;
    if (done) return await result;
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
}
