# Needs: every table and figure that a rule marks for the report, and the captions.
# Makes: results/report.html, one file that needs no network.


rule write_report:
    """Gather figures, tables, captions and provenance into one HTML file."""
    input:
        getattr(rules, WANTED).input,
        rules.write_table_pages.output,
    output:
        "results/report.html",
    log:
        "logs/write_report/report.log",
    benchmark:
        "benchmarks/write_report/report.tsv"
    conda:
        "../envs/report.yaml"
    resources:
        mem_mb=memory(500),
        runtime=minutes(10),
    params:
        captions=contents("workflow/report", "*.rst", "*.css"),
        # Of the configuration the captions read these keys.
        shown=[
            settings("labels", "negatives"),
            settings("evaluation", "roles", "headline_negatives"),
            {name: world.unseen for name, world in PROJECT.worlds.items()},
        ],
        config=lambda wildcards, input: json.dumps(config, sort_keys=True),
        wanted=lambda wildcards, input: f"{WANTED} write_table_pages",
        snakefile=lambda wildcards, input: str(workflow.main_snakefile),
        stylesheet=lambda wildcards, input: str(CHECKOUT / "workflow" / "report" / "report.css"),
    message:
        "Write the report."
    shell:
        # Snakemake writes reports itself, about jobs that are done; the run in progress holds the lock.
        "config=$(mktemp --suffix .json); trap 'rm -f $config' EXIT;"
        " printf '%s' {params.config:q} > $config;"
        " python -m snakemake {params.wanted} --snakefile {params.snakefile:q} --configfile $config"
        " --report {output} --report-stylesheet {params.stylesheet:q} --nolock --cores 1 > {log} 2>&1"
