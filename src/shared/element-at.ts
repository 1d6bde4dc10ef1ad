/**
 * The element at an index that is known to be there.
 *
 * @throws RangeError where it is not
 */
export function elementAt<Element>(elements: ArrayLike<Element>, index: number): Element {
  const element = elements[index];
  if (element === undefined) throw new RangeError(`there is no element ${index} among ${elements.length}`);
  return element;
}
