/* SPDX-License-Identifier: MIT
 *
 * Does nothing: what loading the library costs is measured beside loading this.
 */
extern int libempty;
int libempty;
