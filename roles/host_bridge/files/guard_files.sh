# shellcheck shell=sh disable=SC2015,SC2034,SC2154
# The files of a provider, for guard.sh: they are saved, written, given back and compared. A file is there whole, or as
# it was, whenever that is interrupted.

# What is there of files, and whether they are all as they were saved.
listing() { (cd "$1" && find . -mindepth 1 -printf '%P %y %m %U:%G %l\n'); }
sorted() { printf '%s\n' "$1" | sort; }
same() {
	for folder in $folders; do
		was=$kept/saved$folder
		if [ ! -d "$was" ]; then
			[ ! -d "$folder" ] || return
			continue
		fi
		before=$(listing "$was") && now=$(listing "$folder") && [ "$(sorted "$before")" = "$(sorted "$now")" ] \
			&& run diff -r --no-dereference "$was" "$folder" >/dev/null || return
	done
}

save() {
	mkdir "$kept" "$kept/saved" && cp "$self" "$kept/guard" || return
	for folder in $folders; do
		[ ! -d "$folder" ] || { mkdir -p "$kept/saved$folder" && run cp -a "$folder/." "$kept/saved$folder"; } || return
	done
	same && true >"$kept/complete" && run sync -f "$kept"
}

# Files of the provider, as they were: those that are new go. Each file is there whole, whenever that is interrupted.
restore() {
	[ -e "$kept/complete" ] || return
	for folder in $folders; do
		was=$kept/saved$folder
		[ ! -d "$folder" ] || (cd "$folder" && find . -mindepth 1 -depth) | while IFS= read -r file; do
			[ -e "$was/$file" ] || [ -L "$was/$file" ] || rm -rf "${folder:?}/$file"
		done
		if [ ! -d "$was" ]; then
			[ ! -d "$folder" ] || rmdir "$folder"
			continue
		fi
		[ -d "$folder" ] || cp -a --attributes-only "$was" "$folder" || mkdir "$folder"
		(cd "$was" && find . -mindepth 1) | while IFS= read -r file; do put_back "$was/$file" "$folder/$file"; done
	done
	run sync -f /etc
	same
}
alike() {
	[ "$(stat -c '%f %u %g' "$1")" = "$(stat -c '%f %u %g' "$2" 2>/dev/null)" ] || return
	if [ -L "$1" ]; then [ "$(readlink "$1")" = "$(readlink "$2")" ]; else cmp -s "$1" "$2"; fi
}
put_back() {
	if [ -d "$1" ] && [ ! -L "$1" ]; then
		[ -d "$2" ] && [ ! -L "$2" ] || { rm -rf "$2" && mkdir "$2"; }
		chown --reference="$1" "$2" && chmod --reference="$1" "$2"
		return
	fi
	[ -d "$2" ] && [ ! -L "$2" ] && rm -rf "$2"
	alike "$1" "$2" && return # mv refuses two names of one symbolic link
	part=${2%/*}/.$unit
	rm -rf "$part"
	# another name of what was saved needs no room on a full disk
	ln -P "$1" "$part" 2>/dev/null || { cp -a "$1" "$part" && run sync "$part"; } || return
	mv -fT "$part" "$2"
}

# A file of text in base64, with a mode, or with mode and owner of another file: it is there whole, or as it was.
write() {
	part=${1%/*}/.$unit
	run mkdir -p -m 755 "${1%/*}" && rm -rf "$part" && true >"$part" && chmod "$2" "$part" || return
	[ -z "${3-}" ] || run cp -aL --attributes-only "$3" "$part" || return
	base64 -d >"$part" && run sync "$part" && mv -fT "$part" "$1"
}
