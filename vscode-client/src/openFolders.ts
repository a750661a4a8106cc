// Whether a file or folder lies in an open folder, under whichever name. Pure.

import { dirname, isAbsolute, relative, resolve, sep } from "node:path";

export interface OpenFolders {
  workspaceFolders: readonly string[];
  /** The path with its links followed; the path itself where there is nothing to follow. */
  realPath: (path: string) => string;
}

/**
 * A path may lead through an open folder and out of it again, as a virtual environment's Python
 * does, so each folder on the way is followed by itself.
 */
export function isInOpenFolder(path: string, { workspaceFolders, realPath }: OpenFolders): boolean {
  const roots = workspaceFolders.flatMap((folder) => [folder, realPath(folder)]);
  const places = [path, ...wayTo(path).map(realPath)];
  return roots.some((root) => places.some((place) => contains(root, place)));
}

function wayTo(path: string): string[] {
  const above = dirname(path);
  return above === path ? [path] : [path, ...wayTo(above)];
}

function contains(root: string, path: string): boolean {
  const way = relative(resolve(root), resolve(path));
  return way === "" || !(way === ".." || way.startsWith(`..${sep}`) || isAbsolute(way));
}
