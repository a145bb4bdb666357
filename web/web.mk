# The kernel in a browser tab: build/web/, a folder that any server of static files can publish. Included by the Makefile.

# Node's modules are stored once, wherever a build is: web/tsconfig.json names their place. Their bundles lie beside them.
NPM := build/npm
NPM_DONE := $(NPM)/node_modules/.package-lock.json
ESBUILD := $(NPM)/node_modules/.bin/esbuild --bundle --log-level=warning
V86 := $(NPM)/node_modules/v86/build
SEABIOS ?= /usr/share/seabios
BIOS := $(SEABIOS)/bios.bin $(SEABIOS)/vgabios-stdvga.bin
WEB := $(BUILD)/web
WEB_SOURCES := $(sort $(shell find web -name '*.ts' -o -name '*.css' -o -name '*.json'))
# offline.js, which knows the hash of all other files, is made last.
WEB_FILES := $(addprefix $(WEB)/,index.html comparison.html main.js style.css v86.wasm bios.bin vgabios.bin attic.iso kernel.json \
  attic.state.zst attic.txt lowmem.state.zst lowmem.txt kpde-lazy.state.zst kpde-lazy.txt kpde-lazy.json book/index.html)

# The second kernel of comparison.html, made of the same sources, whatever BUG= or VARIANT= the first one is.
LAZY := $(UNCHANGED_BUILD)/variants/kpde-lazy

.PHONY: web web-run
web: $(WEB)/offline.js
	@echo "$(WEB): $$(du -bs '$(WEB)' | awk '{printf "%.1f MiB", $$1 / 1048576}')"

# Only for this computer; PORT=8000 for the same address each time.
PORT ?= 0
web-run: web
	@echo 'Ctrl-C ends the server.'
	@/usr/bin/python3 -u -m http.server --bind 127.0.0.1 --directory '$(WEB)' '$(PORT)'

.PHONY: web-tools
web-tools:
	@SEABIOS='$(SEABIOS)' scripts/make/check-tools web

$(NPM_DONE): web/package.json web/package-lock.json | web-tools
	$(call say,NPM,$(NPM))
	$(Q)scripts/web modules

$(NPM)/checked: $(WEB_SOURCES) $(NPM_DONE)
	$(call say,TSC,web)
	$(Q)$(NPM)/node_modules/.bin/tsc -p web
	@touch $@

# v86 looks for require() to find out whether it runs under Node.
$(WEB)/main.js $(WEB)/style.css &: $(NPM)/checked
	$(call say,BUNDLE,$(WEB)/main.js)
	$(Q)$(ESBUILD) web/src/main.ts web/style.css --minify --target=es2020 --define:require=undefined '--external:node:*' \
	  --entry-names=[name] --outdir=$(WEB)

$(WEB)/offline.js: web/src/offline.ts scripts/web $(WEB_FILES)
	$(call say,BUNDLE,$@)
	$(Q)scripts/web offline $(WEB)

# A program for Node. It makes machines, and does not wait for them after a change of anything else.
$(NPM)/make-state.mjs: web/tools/make-state.ts web/src/machine.ts $(NPM_DONE) | $(NPM)/checked
	$(Q)$(ESBUILD) $< --platform=node --format=esm --external:v86 --outfile=$@

$(NPM)/%.mjs: web/tests/%.ts $(NPM)/checked
	$(Q)$(ESBUILD) $< --platform=node --format=esm --external:v86 --external:puppeteer-core --outfile=$@

$(WEB)/%.html: web/%.html
	@mkdir -p $(@D)
	$(Q)cp $< $@

# The book, with the documents that it links to.
$(WEB)/book/index.html: $(wildcard docs/*.md docs/book/* docs/book/*/* labs/README.md labs/*/README.md scripts/attic/book.py)
	@scripts/make/check-tools book
	$(call say,BOOK,$(@D))
	$(Q)scripts/book site '$(BUILD)/web-book' '$(@D)'

$(WEB)/attic.iso: $(BUILD)/plain/attic.iso
	@mkdir -p $(@D)
	$(Q)cp $< $@

$(WEB)/v86.wasm: $(NPM_DONE)
	@mkdir -p $(@D)
	$(Q)cp $(V86)/v86.wasm $@

$(WEB)/bios.bin $(WEB)/vgabios.bin &: $(wildcard $(BIOS)) | web-tools
	@mkdir -p $(@D)
	$(Q)cp $(SEABIOS)/bios.bin $(WEB)/bios.bin
	$(Q)cp $(SEABIOS)/vgabios-stdvga.bin $(WEB)/vgabios.bin

$(WEB)/kernel.json: $(BUILD)/attic.debug
$(WEB)/kpde-lazy.json: $(LAZY)/attic.debug
$(WEB)/kernel.json $(WEB)/kpde-lazy.json: web/needs.txt web/tools/kernel_json.py $(wildcard scripts/gdb/*.gdb scripts/attic/gdb/*.py)
	@scripts/make/check-tools gdb
	@mkdir -p $(@D)
	$(call say,GDB,$@)
	$(Q)OUT='$@' gdb -q -nx -batch -x scripts/gdb/attic.gdb -x web/tools/kernel_json.py $(filter %.debug,$^) > /dev/null

# Machines at the prompt: the usual one, one with high memory, and one with the kernel that is compared with this one.
$(BUILD)/plain/lowmem.iso: PLAIN_COMMAND_LINE := lowmem=8M

ifneq ($(BUILD),$(LAZY))
$(LAZY)/plain/attic.iso $(LAZY)/attic.debug &: $(BUILD)/attic.elf
	$(Q)$(MAKE) $(if $(filter 1,$(V)),,--silent) --no-print-directory BUG= VARIANT=kpde-lazy BUILD='$(UNCHANGED_BUILD)' $(LAZY)/plain/attic.iso $(LAZY)/attic.debug
endif
$(BUILD)/plain/kpde-lazy.iso: $(LAZY)/plain/attic.iso
	@mkdir -p $(@D)
	$(Q)cp $< $@

$(WEB)/%.state.zst $(WEB)/%.txt: $(BUILD)/plain/%.iso $(NPM)/make-state.mjs $(WEB)/v86.wasm $(WEB)/bios.bin $(WEB)/vgabios.bin
	$(call say,STATE,$(WEB)/$*.state.zst)
	$(Q)node $(NPM)/make-state.mjs $< $(WEB) $(WEB)/$*
