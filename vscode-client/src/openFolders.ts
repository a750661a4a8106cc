// Whether a file or folder lies in an open folder or its repository, under whichever name.

import { existsSync } from "node:fs";
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";

export interface OpenFolders {
  /** The open folders, and the repositories that they are part of. */
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

/**
 * The open folders with the repositories that they are part of: one hand may have written both. A
 * repository that holds the home folder, as one of settings does, is the person's own.
 */
export function withRepositories(folders: readonly string[], home: string, realPath: OpenFolders["realPath"]): string[] {
  const ways = folders.flatMap((folder) => [folder, realPath(folder)]).flatMap(wayTo);
  const homes = [home, realPath(home)];
  const repositories = ways.filter((place) => isRepository(place) && !homes.some((own) => contains(place, own)));
  return [...folders, ...new Set(repositories)];
}

/** A worktree and a submodule have a file of that name. */
function isRepository(folder: string): boolean {
  return [".git", ".hg", ".jj", ".svn"].some((name) => existsSync(join(folder, name)));
}

function wayTo(path: string): string[] {
  const above = dirname(path);
  return above === path ? [path] : [path, ...wayTo(above)];
}

function contains(root: string, path: string): boolean {
  const way = relative(resolve(root), resolve(path));
  return way === "" || !(way === ".." || way.startsWith(`..${sep}`) || isAbsolute(way));
}
